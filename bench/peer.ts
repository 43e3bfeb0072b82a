import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** One timed run of the peer. */
export interface PeerRun {
  readonly seconds: number;
  /** Of all its threads. */
  readonly cpu: number;
  readonly sigma: readonly number[];
}

export const INSTALL =
  "PyTorch is not installed: `python3 -m venv .venv && .venv/bin/pip install torch`, " +
  "or on Debian `apt-get install python3-torch libopenblas0`";

/** KAIBO_PYTHON, .venv, python3: the first that imports torch; undefined when none does. */
export function findPython(): string | undefined {
  const own = join(import.meta.dirname, "../.venv/bin/python");
  const candidates = [process.env.KAIBO_PYTHON, existsSync(own) ? own : undefined, "python3"];
  return candidates.find(
    (python) => python !== undefined && spawnSync(python, ["-c", "import torch"]).status === 0,
  );
}

/** A peer's script, running and warm: it answers one request after another. */
export class Peer {
  readonly version: string;
  readonly #child: ChildProcess;
  readonly #lines: AsyncIterator<string>;

  private constructor(child: ChildProcess, lines: AsyncIterator<string>, version: string) {
    this.#child = child;
    this.#lines = lines;
    this.version = version;
  }

  static async start(python: string, script: string, threads: number): Promise<Peer> {
    const path = join(import.meta.dirname, "peer", script);
    const child = spawn(python, [path, String(threads)], { stdio: ["pipe", "pipe", "inherit"] });
    await once(child, "spawn");
    const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
    const { version } = (await answer(lines)) as { version: string };
    return new Peer(child, lines, version);
  }

  async run(request: { net: string; samples: number; batch: number }): Promise<PeerRun> {
    this.#child.stdin?.write(`${JSON.stringify(request)}\n`);
    return (await answer(this.#lines)) as PeerRun;
  }

  stop(): void {
    this.#child.kill();
  }
}

async function answer(lines: AsyncIterator<string>): Promise<unknown> {
  const line = await lines.next();
  if (line.done === true) throw new Error("the peer ended; its message is above");
  return JSON.parse(line.value);
}
