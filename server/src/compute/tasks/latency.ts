import { availableParallelism } from "node:os";
import { fold } from "#core/compile/fold.ts";
import { randomInputs } from "#core/data/randomInputs.ts";
import { bindBatch } from "#core/formats/batch.ts";
import type { Model } from "#core/formats/model.ts";
import { loadWeights } from "#core/formats/weights.ts";
import type { Graph } from "#core/ir/graph.ts";
import type { Tensor } from "#core/ir/tensor.ts";
import { median } from "#core/median.ts";
import { fail, ProblemError, problem } from "#core/problem.ts";
import { planPrune, type UnitSet } from "#core/prune/plan.ts";
import type { Program } from "#core/runtime/runtime.ts";
import { type OpenModel, openModel } from "../../files/openModel.ts";
import { type Engine, engine, engineName } from "../../runtime/engines.ts";
import type { Task } from "../task.ts";
import { boundWhole } from "../wholeRun.ts";

export interface LatencyParams {
  readonly model: string;
  /** The model without these units, one variant each; measured beside the model as it is. */
  readonly variants: readonly (readonly UnitSet[])[];
  readonly engine: Engine;
}

/** Milliseconds of one sample, a row per round: the model as it is, then the variants. */
export type Rounds = readonly (readonly number[])[];

export interface LatencyInfo {
  readonly threads: number;
  readonly engine: string;
}

const ROUNDS = 11;
/** Of one variant in one round. */
const ROUND_MS = 40;

/**
 * How long one sample takes, with as many threads as there are cores: what whoever runs the model sees.
 * The variants take turns, so that whatever else the machine does slows all of them.
 */
export const latencyTask: Task<LatencyParams, Rounds, LatencyInfo> = {
  name: "latency",
  alone: true,
  async open({ model: path, variants, engine: name }) {
    const threads = availableParallelism();
    const runtime = await engine(name);
    const runs: Run[] = [];
    const opened = await openModel(path);
    try {
      const model = whole(opened, path);
      for (const units of [[], ...variants]) {
        const graph = await forOne(await without(opened, model, units, path), path);
        runs.push(await Run.of(await runtime.compile(graph, { threads }), graph));
      }
    } finally {
      await opened.close();
    }
    return {
      samples: ROUNDS,
      batch: 1,
      shardSize: 1,
      info: { threads, engine: engineName(runtime) },
      async shard(from, to) {
        const rounds: number[][] = [];
        for (let round = from; round < to; round++) {
          const row: number[] = [];
          for (const run of runs) row.push(await run.measure(ROUND_MS));
          rounds.push(row);
        }
        return rounds;
      },
      async close() {
        for (const run of runs) await run.program.release();
      },
    };
  },
  merge: (a, b) => [...a, ...b],
};

function whole({ model, problems }: OpenModel, path: string): Model {
  if (model !== undefined && !model.partial) return model;
  throw new ProblemError(problems[0] ?? problem("unreadable-model", "it holds no graph", path));
}

async function without(
  opened: OpenModel,
  { graph }: Model,
  units: readonly UnitSet[],
  path: string,
): Promise<Graph> {
  if (units.length === 0) return graph;
  const planned = planPrune(graph, units);
  if ("refusal" in planned)
    return fail("cannot-prune", planned.refusal.because, path, planned.refusal.at);
  const { model, problems } = await opened.edit(planned.plan.edits);
  if (model === undefined)
    throw new ProblemError(
      problems[0] ?? problem("cannot-write", "the model cannot be edited", path),
    );
  return model.graph;
}

/** One sample; lengths that stay open, as of sequences, are those of the check without data. */
async function forOne(graph: Graph, path: string): Promise<Graph> {
  await loadWeights(graph);
  const one = bindBatch(graph, 1);
  const closed =
    one.kind === "bound" &&
    one.graph.inputs.every((v) => v.shape.every((d) => typeof d === "number"));
  return closed ? fold(one.graph) : boundWhole(graph, path, 1);
}

/** One compiled variant and what goes into it. */
class Run {
  readonly program: Program;
  readonly #inputs: readonly Tensor[];
  /** Runs that take about a millisecond or more together. */
  #together = 1;

  private constructor(program: Program, inputs: readonly Tensor[]) {
    this.program = program;
    this.#inputs = inputs;
  }

  static async of(program: Program, graph: Graph): Promise<Run> {
    const made = randomInputs(graph, 1);
    const run = new Run(program, made);
    // The first runs allocate.
    for (let i = 0; i < 3; i++) await program.run(made);
    const start = performance.now();
    await program.run(made);
    run.#together = Math.max(1, Math.ceil(1 / (performance.now() - start)));
    return run;
  }

  /** Median milliseconds per sample of the runs within a time. */
  async measure(ms: number): Promise<number> {
    const end = performance.now() + ms;
    const times: number[] = [];
    do {
      const start = performance.now();
      for (let i = 0; i < this.#together; i++) await this.program.run(this.#inputs);
      times.push((performance.now() - start) / this.#together);
    } while (performance.now() < end);
    return median(times);
  }
}
