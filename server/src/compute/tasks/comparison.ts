import type { DataSpec } from "#core/data/spec.ts";
import { correctIn } from "#core/explain/correct.ts";
import { paddedInput } from "#core/explain/padding.ts";
import { classifies, readout } from "#core/explain/readout.ts";
import type { Graph } from "#core/ir/graph.ts";
import { fail } from "#core/problem.ts";
import { maskUnits } from "#core/prune/mask.ts";
import { planPrune, type UnitSet } from "#core/prune/plan.ts";
import { type Engine, engine, engineName } from "../../runtime/engines.ts";
import { bound, inputShape, oneInput } from "../bound.ts";
import { randomSamples } from "../randomSamples.ts";
import { openSamples } from "../samples.ts";
import type { Task } from "../task.ts";

export interface ComparisonParams {
  readonly model: string;
  readonly pruned: string;
  readonly removed: readonly UnitSet[];
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
    const { graph, batch } = await bound(params.model, params.batch);
    oneInput(graph, params.model);
    const masking = await bound(params.model, batch, (g) => {
      const planned = planPrune(g, params.removed);
      if ("plan" in planned) return maskUnits(g, planned.plan.masks);
      return fail("cannot-prune", planned.refusal.because, params.model, planned.refusal.at);
    });
    const after = await bound(params.pruned, batch);
    const logits = (g: Graph): Graph => ({
      inputs: g.inputs,
      outputs: [...g.outputs, readout(g, "logits").z],
    });
    const runtime = await engine(params.engine);
    const original = await runtime.compile(logits(graph));
    const masked = await runtime.compile(logits(masking.graph));
    const pruned = await runtime.compile(logits(after.graph));
    const shape = inputShape(graph);
    const samples =
      params.data === undefined ? randomSamples(shape) : await openSamples(params.data, shape);
    const read = readout(graph, "probabilities");
    const reader = samples.forward(batch, read.count);
    return {
      samples: samples.dataset.count,
      batch,
      info: { engine: engineName(runtime) },
      async shard(from, to) {
        const sum = {
          labelled: 0,
          correctBefore: 0,
          correctAfter: 0,
          maskedDifference: 0,
          largest: 0,
        };
        for await (const b of reader.batches(from, to)) {
          const x = paddedInput(samples.prepare(b), b.count, graph.inputs[0]!);
          const [before, expected, found] = [
            await original.run([x]),
            await masked.run([x]),
            await pruned.run([x]),
          ];
          // The last output is there for the accuracy alone.
          expected.slice(0, -1).forEach((tensor, i) => {
            const rows = (tensor.data.length / batch) * b.count;
            for (let k = 0; k < rows; k++) {
              const value = tensor.data[k]!;
              sum.maskedDifference = larger(sum.maskedDifference, value - found[i]!.data[k]!);
              sum.largest = larger(sum.largest, value);
            }
          });
          if (b.labels === undefined || !classifies(read)) continue;
          sum.labelled += b.count;
          sum.correctBefore += correctIn(before.at(-1)!, b.labels);
          sum.correctAfter += correctIn(found.at(-1)!, b.labels);
        }
        return sum;
      },
      async close() {
        await reader.close();
        for (const program of [original, masked, pruned]) await program.release();
        await samples.close();
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

/** The larger magnitude; NaN once anything is NaN. */
const larger = (a: number, b: number): number => Math.max(a, Math.abs(b));
