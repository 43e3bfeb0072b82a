import { type ChildProcess, fork } from "node:child_process";
import { availableParallelism, constants, setPriority } from "node:os";
import { ProblemError, problem } from "#core/problem.ts";
import { allowance } from "../files/limits.ts";
import { type Checkpoint, Resuming } from "./checkpoint.ts";
import { inShardOrder } from "./inShardOrder.ts";
import type { FromCompute, ToCompute } from "./messages.ts";
import type { Task } from "./task.ts";

export interface PoolOptions {
  /** The bundle of child.ts. */
  readonly script: string;
  /** Compute processes; as many as cores when absent. */
  readonly processes?: number;
  /** Whether what people wait for goes first: the processes then run with less priority. */
  readonly background?: boolean;
  /** Milliseconds after which processes without work end, and free the model they keep; 5 minutes. */
  readonly idle?: number;
}

export interface Control {
  readonly signal?: AbortSignal;
  /** Called after every shard; `left` is an estimate of the seconds that are left. */
  progress?(done: number, total: number, left?: number): void;
  /** Where the sums are kept when the job ends before its time. */
  readonly checkpoint?: Checkpoint;
}

/** Also hears what the shards have come to so far. */
export interface Listening<R, I> extends Control {
  /** After every shard, in their order; what is kept when the job ends before its time. */
  merged?(sum: R, info: I): void;
}

export interface Done<R, I> {
  readonly partial: R;
  readonly info: I;
}

type Opened = Extract<FromCompute, { kind: "opened" }>;

/** Samples in one shard, before rounding to whole batches: often enough for progress and cancel. */
const SHARD = 250;
const IDLE = 5 * 60 * 1000;
/** Shards per process from which on they are sent ahead; fewer are better shared out one by one. */
const MANY = 8;

/**
 * Child processes that run models. A cancelled job's processes are killed, since ONNX Runtime cannot be
 * interrupted; a process that dies fails its job with one problem. Both are replaced at the next job.
 */
export class Pool {
  readonly #options: PoolOptions;
  #size = 1;
  readonly #idle: ChildProcess[] = [];
  readonly #all = new Set<ChildProcess>();
  #lastJob = 0;
  #ending: NodeJS.Timeout | undefined;

  constructor(options: PoolOptions) {
    this.#options = options;
    this.resize(options.processes);
  }

  /** For the jobs that start from now on; as many processes as cores when undefined. */
  resize(processes: number | undefined): void {
    this.#size = Math.max(1, processes ?? availableParallelism());
  }

  /** Process ids, for tests and for the log. */
  get processes(): readonly number[] {
    return [...this.#all].flatMap((c) => (c.pid === undefined ? [] : [c.pid]));
  }

  /** Runs the task over all its samples. Rejects with ProblemError. */
  async run<P, R, I>(
    task: Task<P, R, I>,
    params: P,
    control: Listening<R, I> = {},
  ): Promise<Done<R, I>> {
    const job = ++this.#lastJob;
    const workers: Worker[] = [];
    const abort = new AbortController();
    const cancel = () => abort.abort(cancelled());
    control.signal?.addEventListener("abort", cancel);
    if (control.signal?.aborted === true) cancel();
    let interrupted = async (): Promise<void> => undefined;
    try {
      abort.signal.throwIfAborted();
      while (workers.length < (task.alone === true ? 1 : this.#size))
        workers.push(new Worker(this.#take(), job, abort.signal));
      const [first] = await Promise.all(workers.map((w) => w.open(task.name, params)));
      const { samples, batch, shardSize, info } = first!;
      const shards = shardsOf(samples, batch, shardSize);
      const opening = { samples, batch, shards: shards.length, info };
      const { resuming, before } = await Resuming.open<R>(control.checkpoint, opening);
      const merged = inShardOrder(task.merge, before);
      interrupted = () => resuming.interrupted(merged.merged());
      let next = before?.next ?? 0;
      let done = before === undefined ? 0 : (shards[next]?.from ?? samples);
      const left = remaining(samples, done);
      if (done > 0) control.progress?.(done, samples);
      const run = async (worker: Worker): Promise<void> => {
        // Each process gets later and later shards, so it streams the data forward once.
        for (let range = shards[next++]; range !== undefined; range = shards[next++]) {
          merged.add(range.shard, (await worker.run(range)) as R);
          done += range.to - range.from;
          const soFar = merged.merged();
          resuming.passed(soFar);
          if (soFar !== undefined) control.merged?.(soFar.sum, info as I);
          control.progress?.(done, samples, left(done));
        }
      };
      // With many shards, the next one waits at the process while the last one's sums are sent.
      const ahead = shards.length >= MANY * workers.length ? 2 : 1;
      await Promise.all(workers.flatMap((w) => new Array<Worker>(ahead).fill(w)).map(run));
      for (const worker of workers) this.#give(worker);
      workers.length = 0;
      const partial = merged.result();
      await resuming.finished();
      return { partial, info: info as I };
    } catch (error) {
      for (const worker of workers.splice(0)) this.#kill(worker.child);
      await interrupted();
      throw error;
    } finally {
      control.signal?.removeEventListener("abort", cancel);
      for (const worker of workers) this.#kill(worker.child);
    }
  }

  /** Ends all processes. */
  dispose(): void {
    for (const child of this.#all) this.#kill(child);
  }

  #take(): ChildProcess {
    const idle = this.#idle.pop();
    if (idle !== undefined) return idle;
    // Standard output may carry somebody's protocol or JSON: what native code prints goes to stderr.
    const child = fork(this.#options.script, [], {
      serialization: "advanced",
      // Lets the child collect its short-lived tensors after each shard.
      execArgv: ["--expose-gc"],
      stdio: ["ignore", 2, 2, "ipc"],
    });
    this.#all.add(child);
    if (this.#options.background === true) yieldToOthers(child.pid);
    child.once("exit", () => {
      this.#all.delete(child);
      const at = this.#idle.indexOf(child);
      if (at >= 0) this.#idle.splice(at, 1);
    });
    return child;
  }

  #give(worker: Worker): void {
    worker.close();
    if (!this.#all.has(worker.child)) return;
    this.#idle.push(worker.child);
    clearTimeout(this.#ending);
    this.#ending = setTimeout(() => {
      for (const child of this.#idle.splice(0)) this.#kill(child);
    }, this.#options.idle ?? IDLE).unref();
  }

  #kill(child: ChildProcess): void {
    this.#all.delete(child);
    child.kill("SIGKILL");
  }
}

function yieldToOthers(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // A system that does not allow it: the work is done all the same.
  }
}

/** Samples of one shard. */
export interface Range {
  readonly shard: number;
  readonly from: number;
  readonly to: number;
}

/** One process while it works for one job. */
class Worker {
  readonly child: ChildProcess;
  readonly #job: number;
  readonly #signal: AbortSignal;

  constructor(child: ChildProcess, job: number, signal: AbortSignal) {
    this.child = child;
    this.#job = job;
    this.#signal = signal;
  }

  async open(task: string, params: unknown): Promise<Opened> {
    const reply = await this.#ask(
      { kind: "open", job: this.#job, task, params, allowed: allowance() },
      (m) => m.kind === "opened",
    );
    return reply as Opened;
  }

  async run({ from, to }: Range): Promise<unknown> {
    const message = { kind: "run", job: this.#job, from, to } as const;
    const reply = await this.#ask(message, (m) => m.kind === "partial" && m.from === from);
    return (reply as { partial: unknown }).partial;
  }

  close(): void {
    if (this.child.connected) this.#send({ kind: "close", job: this.#job });
  }

  #send(message: ToCompute): void {
    this.child.send(message);
  }

  /** Sends and waits for the final reply; rejects when cancelled or when the process dies. */
  #ask(message: ToCompute, final: (reply: FromCompute) => boolean): Promise<FromCompute> {
    return new Promise((resolve, reject) => {
      const end = (act: () => void) => {
        this.child.off("message", onMessage);
        this.child.off("exit", onExit);
        this.child.off("error", onError);
        this.#signal.removeEventListener("abort", onAbort);
        act();
      };
      const onMessage = (m: FromCompute) => {
        if (m.job !== this.#job) return;
        if (m.kind === "failed") end(() => reject(new ProblemError(m.problem)));
        else if (final(m)) end(() => resolve(m));
      };
      const onExit = (code: number | null, signal: string | null) =>
        end(() => reject(died(signal ?? `exit code ${code}`)));
      const onError = (error: Error) => end(() => reject(died(error.message)));
      const onAbort = () => end(() => reject(this.#signal.reason as Error));
      this.child.on("message", onMessage);
      this.child.once("exit", onExit);
      this.child.once("error", onError);
      this.#signal.addEventListener("abort", onAbort);
      if (this.#signal.aborted) onAbort();
      else this.#send(message);
    });
  }
}

const cancelled = () => new ProblemError(problem("cancelled", "cancelled", ""));

const died = (how: string) =>
  new ProblemError(
    problem("compute-failed", `the compute process ended (${how}); run it again`, ""),
  );

/** Seconds that are left, by what was done since the start (`from` was done before). */
function remaining(samples: number, from: number): (done: number) => number {
  const started = performance.now();
  return (done) => ((performance.now() - started) / 1000 / (done - from)) * (samples - done);
}

/**
 * Whole batches, about SHARD samples each, or fewer where the task says so: fixed by the data and the
 * question alone, so results do not depend on processes.
 */
export function shardsOf(samples: number, batch: number, most = SHARD): Range[] {
  const size = Math.max(1, Math.round(Math.min(SHARD, most) / batch)) * batch;
  return Array.from({ length: Math.ceil(samples / size) }, (_, shard) => ({
    shard,
    from: shard * size,
    to: Math.min(samples, (shard + 1) * size),
  }));
}
