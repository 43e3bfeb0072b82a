/** What VS Code gives to a page. */
import { type Calls, connectRpc, type Handlers, type Remote } from "#protocol/rpc.ts";

interface VsCodeApi<Memory> {
  postMessage(message: unknown): void;
  getState(): Memory | undefined;
  setState(memory: Memory): void;
}

declare function acquireVsCodeApi<Memory>(): VsCodeApi<Memory>;

export interface Client<C extends Calls<C>, Memory> {
  readonly remote: Remote<C>;
  /** What the page kept of itself when it was hidden or the editor ended. */
  memory(): Memory | undefined;
  remember(memory: Memory): void;
}

/** Once in a page: VS Code gives its side away only once. */
export function connectClient<Mine extends Calls<Mine>, Theirs extends Calls<Theirs>, Memory>(
  handlers: Handlers<Mine>,
): Client<Theirs, Memory> {
  const api = acquireVsCodeApi<Memory>();
  const port = {
    post: (message: unknown) => api.postMessage(message),
    listen: (hear: (message: unknown) => void) =>
      window.addEventListener("message", ({ data }) => hear(data)),
  };
  return {
    remote: connectRpc<Mine, Theirs>(port, handlers),
    memory: () => api.getState(),
    remember: (memory) => api.setState(memory),
  };
}
