/**
 * Calls between the client and a webview: typed on both sides, and a reply that carries an error. What a
 * side hears comes from outside and is looked at before it is believed.
 */

/** The calls that one side answers: a name, what goes in, what comes back. */
export interface Call {
  readonly params: unknown;
  readonly result: unknown;
}
export type Calls<C> = { readonly [M in keyof C]: Call };

export type Handlers<C extends Calls<C>> = {
  readonly [M in keyof C]: (params: C[M]["params"]) => C[M]["result"] | Promise<C[M]["result"]>;
};

export interface Remote<C extends Calls<C>> {
  /** Rejects with the other side's message. */
  call<M extends keyof C & string>(method: M, params: C[M]["params"]): Promise<C[M]["result"]>;
  /** Without a reply: the other side may be gone. */
  tell<M extends keyof C & string>(method: M, params: C[M]["params"]): void;
}

/** How messages leave and come in; they survive structured cloning. */
export interface Port {
  post(message: unknown): void;
  listen(hear: (message: unknown) => void): void;
}

type Message =
  | {
      readonly kind: "call";
      readonly id?: number;
      readonly method: string;
      readonly params: unknown;
    }
  | { readonly kind: "reply"; readonly id: number; readonly result: unknown }
  | { readonly kind: "failure"; readonly id: number; readonly message: string };

interface Waiting {
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: Error) => void;
}

/** Answers the other side's calls with `mine`, and makes calls of `Theirs`. */
export function connectRpc<Mine extends Calls<Mine>, Theirs extends Calls<Theirs>>(
  port: Port,
  mine: Handlers<Mine>,
): Remote<Theirs> {
  const waiting = new Map<number, Waiting>();
  let last = 0;
  const post = (message: Message) => port.post(message);

  async function answer(method: string, params: unknown): Promise<unknown> {
    if (!Object.hasOwn(mine, method)) throw new Error(`there is no call ${method}`);
    const handler = mine[method as keyof Mine] as (params: unknown) => unknown;
    return handler(params);
  }

  port.listen((heard) => {
    const message = decode(heard);
    if (message === undefined) return;
    if (message.kind === "call") {
      const { id, method, params } = message;
      answer(method, params).then(
        (result) => id !== undefined && post({ kind: "reply", id, result: result ?? null }),
        (error: unknown) =>
          id !== undefined && post({ kind: "failure", id, message: textOf(error) }),
      );
      return;
    }
    const asker = waiting.get(message.id);
    waiting.delete(message.id);
    if (message.kind === "reply") asker?.resolve(message.result);
    else asker?.reject(new Error(message.message));
  });

  return {
    call: (method, params) =>
      new Promise<never>((resolve, reject) => {
        const id = ++last;
        waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
        post({ kind: "call", id, method, params });
      }),
    tell: (method, params) => post({ kind: "call", method, params }),
  };
}

const textOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Undefined for what is none of ours: pages get messages from many. */
function decode(heard: unknown): Message | undefined {
  if (typeof heard !== "object" || heard === null) return undefined;
  const { kind, id, method } = heard as { kind?: unknown; id?: unknown; method?: unknown };
  const known =
    kind === "call"
      ? typeof method === "string" && (id === undefined || typeof id === "number")
      : (kind === "reply" || kind === "failure") && typeof id === "number";
  return known ? (heard as Message) : undefined;
}
