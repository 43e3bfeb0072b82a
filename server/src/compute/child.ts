import { defined } from "#core/defined.ts";
import { ProblemError, problem } from "#core/problem.ts";
import { adopt } from "../files/limits.ts";
import type { FromCompute, ToCompute } from "./messages.ts";
import type { OpenTask } from "./task.ts";
import { taskOfName } from "./tasks/table.ts";

/** The compute process: runs models, so that nobody else's thread blocks and nobody else can crash. */
let current: { job: number; task: OpenTask<unknown, unknown> } | undefined;
let queue: Promise<void> = Promise.resolve();

process.on("message", (message: ToCompute) => {
  queue = queue.then(() => handle(message));
});
// The parent is gone: nobody waits for the results.
process.on("disconnect", () => process.exit(0));
// Ctrl+C reaches every process of a terminal: the parent decides what becomes of this one.
process.on("SIGINT", () => undefined);

async function handle(message: ToCompute): Promise<void> {
  const { job } = message;
  try {
    switch (message.kind) {
      case "open": {
        await current?.task.close();
        current = undefined;
        adopt(message.allowed);
        const task = await taskOfName(message.task).open(message.params);
        current = { job, task };
        const { samples, batch, shardSize, info } = task;
        const size = defined({ shardSize });
        return send({ kind: "opened", job, samples, batch, info, ...size });
      }
      case "run": {
        if (current?.job !== job) return;
        await runShard(current.task, message);
        // Memory stays flat: a shard's tensors and sums are gone before the next one's come.
        globalThis.gc?.({ type: "minor" });
        return;
      }
      case "close":
        if (current?.job !== job) return;
        await current.task.close();
        current = undefined;
    }
  } catch (error) {
    send({ kind: "failed", job, problem: asProblem(error) });
  }
}

async function runShard(
  task: OpenTask<unknown, unknown>,
  { job, from, to }: Extract<ToCompute, { kind: "run" }>,
): Promise<void> {
  send({ kind: "partial", job, from, partial: await task.shard(from, to) });
}

function asProblem(error: unknown) {
  if (error instanceof ProblemError) return error.problem;
  const text = error instanceof Error ? error.message : String(error);
  if (process.env.KAIBO_DEBUG !== undefined)
    process.stderr.write(`${(error as Error).stack ?? text}\n`);
  return problem("compute-failed", text, "");
}

const send = (message: FromCompute): void => {
  process.send?.(message);
};
