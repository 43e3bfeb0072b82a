import { randomInputs } from "#core/data/randomInputs.ts";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { correctIn } from "#core/explain/correct.ts";
import { paddedInput } from "#core/explain/padding.ts";
import { classifies, readout } from "#core/explain/readout.ts";
import type { Graph } from "#core/ir/graph.ts";
import { type Data, isFloat, type Tensor } from "#core/ir/tensor.ts";
import { fail } from "#core/problem.ts";
import { macs } from "#core/prune/cost.ts";
import type { ExactOptions } from "#core/prune/exact/compensate.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { planPrune, type UnitSet } from "#core/prune/plan.ts";
import { readModelOf } from "../../files/openModel.ts";
import { type Engine, engine, engineName } from "../../runtime/engines.ts";
import { bound } from "../bound.ts";
import { openInputs } from "../inputs.ts";
import type { Task } from "../task.ts";
import { boundWhole } from "../wholeRun.ts";

export interface ComparisonParams {
  readonly model: string;
  readonly pruned: string;
  readonly removed: readonly UnitSet[];
  /** Present: the pruned file makes up for redundant units, which are not masked then. */
  readonly exact?: ExactOptions;
  /** Random inputs when absent. */
  readonly data?: DataSpec;
  readonly engine: Engine;
  readonly batch?: number;
}

/** How a pruned file compares with the original whose units are masked to zero. */
export interface Comparison {
  readonly labelled: number;
  readonly correctBefore: number;
  readonly correctAfter: number;
  /** Largest |difference| of any output, pruned against masked. */
  readonly maskedDifference: number;
  /** Largest |output| of the masked original, for scale. */
  readonly largest: number;
}

export interface ComparisonInfo {
  /** What ran the models, with its backend. */
  readonly engine: string;
}

/** Runs the original, the masked original and the pruned file on the same samples. */
export const comparisonTask: Task<ComparisonParams, Comparison, ComparisonInfo> = {
  name: "comparison",
  async open(params) {
    const runtime = await engine(params.engine);
    const { graphs, samples, batch, shardSize, readout, feeds, close } =
      params.data === undefined ? await onRandom(params) : await onData(params, params.data);
    const [masked, pruned, original] = [
      await runtime.compile(graphs.masked),
      await runtime.compile(graphs.pruned),
      graphs.original && (await runtime.compile(graphs.original)),
    ];
    return {
      samples,
      batch,
      ...defined({ shardSize }),
      info: { engine: engineName(runtime) },
      async shard(from, to) {
        const sum = { ...NOTHING };
        for await (const { inputs, share, labels } of feeds(from, to)) {
          const [expected, found] = [await masked.run(inputs), await pruned.run(inputs)];
          const outputs = graphs.masked.outputs.length - (readout ? 1 : 0);
          for (let i = 0; i < outputs; i++) compare(expected[i]!.data, found[i]!.data, share, sum);
          if (original === undefined || labels === undefined) continue;
          sum.labelled += labels.length;
          sum.correctBefore += correctIn((await original.run(inputs)).at(-1)!, labels);
          sum.correctAfter += correctIn(found.at(-1)!, labels);
        }
        return sum;
      },
      async close() {
        for (const program of [masked, pruned, original]) await program?.release();
        await close();
      },
    };
  },
  merge: (a, b) => ({
    labelled: a.labelled + b.labelled,
    correctBefore: a.correctBefore + b.correctBefore,
    correctAfter: a.correctAfter + b.correctAfter,
    maskedDifference: larger(a.maskedDifference, b.maskedDifference),
    largest: larger(a.largest, b.largest),
  }),
};

const NOTHING: Comparison = {
  labelled: 0,
  correctBefore: 0,
  correctAfter: 0,
  maskedDifference: 0,
  largest: 0,
};

/** What goes into the models together. */
interface Fed {
  readonly inputs: readonly Tensor[];
  /** Of the outputs' rows that counts: a short last batch is filled up. */
  readonly share: number;
  readonly labels?: Int32Array;
}

interface Comparing {
  readonly graphs: {
    readonly masked: Graph;
    readonly pruned: Graph;
    /** Only where there are labels. */
    readonly original?: Graph;
  };
  readonly samples: number;
  readonly batch: number;
  readonly shardSize?: number;
  /** Whether the graphs have the logits as a last output, for the accuracy. */
  readonly readout: boolean;
  feeds(from: number, to: number): AsyncIterable<Fed>;
  close(): Promise<void>;
}

const masking =
  ({ model, removed, exact }: ComparisonParams) =>
  (graph: Graph): Graph => {
    const planned = planPrune(graph, removed, exact);
    if ("plan" in planned) return maskUnits(graph, planned.plan.masks);
    return fail("cannot-prune", planned.refusal.because, model, planned.refusal.at);
  };

async function onData(params: ComparisonParams, data: DataSpec): Promise<Comparing> {
  const { graph, batch } = await bound(params.model, params.batch);
  const masked = await bound(params.model, batch, masking(params));
  const pruned = await bound(params.pruned, batch);
  const read = isFloat(graph.outputs[0]!.dtype) ? readout(graph, "probabilities") : undefined;
  const opened = await openInputs(data, graph, batch, read?.count ?? 1);
  const labelled = opened.labelled && read !== undefined && classifies(read);
  const withLogits = (g: Graph): Graph =>
    labelled ? { ...g, outputs: [...g.outputs, readout(g, "logits").z] } : g;
  return {
    graphs: {
      masked: withLogits(masked.graph),
      pruned: withLogits(pruned.graph),
      ...(labelled ? { original: withLogits(graph) } : {}),
    },
    samples: opened.samples,
    batch,
    readout: labelled,
    async *feeds(from, to) {
      for await (const { count, inputs, labels } of opened.batches(from, to))
        yield {
          inputs: graph.inputs.map((v, i) => paddedInput(inputs[i]!, count, v)),
          share: count / batch,
          ...defined({ labels }),
        };
    },
    close: () => opened.close(),
  };
}

/** Runs on random inputs: so many, or fewer where they cost more than so many multiply–accumulates. */
const MOST_RUNS = 16;
const FEWEST_RUNS = 2;
const MACS = 1e11;

/** Random inputs need no samples: any model is run with whole inputs, as its file has them. */
async function onRandom(params: ComparisonParams): Promise<Comparing> {
  const whole = (await readModelOf(params.model)).model.graph;
  const masked = boundWhole(masking(params)(whole), params.model);
  const after = (await readModelOf(params.pruned)).model.graph;
  const runs = Math.floor(MACS / Math.max(1, macs(masked)));
  return {
    graphs: { masked, pruned: boundWhole(after, params.pruned) },
    samples: Math.max(FEWEST_RUNS, Math.min(MOST_RUNS, runs)),
    batch: 1,
    shardSize: 1,
    readout: false,
    async *feeds(from, to) {
      for (let run = from; run < to; run++)
        yield { inputs: randomInputs(masked, run + 1), share: 1 };
    },
    close: async () => undefined,
  };
}

type Sum = { -readonly [K in keyof Comparison]: Comparison[K] };

function compare(expected: Data, found: Data, share: number, into: Sum): void {
  const values = expected.length * share;
  for (let k = 0; k < values; k++) {
    into.maskedDifference = larger(into.maskedDifference, expected[k]! - found[k]!);
    into.largest = larger(into.largest, expected[k]!);
  }
}

/** The larger magnitude; NaN once anything is NaN. */
const larger = (a: number, b: number): number => Math.max(a, Math.abs(b));
