import type { DataSpec } from "#core/data/spec.ts";
import { correctIn } from "#core/explain/correct.ts";
import { paddedInput } from "#core/explain/padding.ts";
import { classifies, readout } from "#core/explain/readout.ts";
import type { Graph } from "#core/ir/graph.ts";
import { withWeights } from "#core/train/parameters.ts";
import { type Engine, engine } from "../../runtime/engines.ts";
import { bound } from "../bound.ts";
import { openInputs } from "../inputs.ts";
import type { Task } from "../task.ts";

export interface TrainedParams {
  readonly model: string;
  /** The file that was written. */
  readonly written: string;
  /** What it must hold, by the names of the stored tensors. */
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly data: DataSpec;
  readonly engine: Engine;
}

/** How a written file compares with the trained graph, and with the model before. */
export interface TrainedComparison {
  readonly labelled: number;
  readonly correctBefore: number;
  readonly correctAfter: number;
  /** Largest |difference| of any output, written against trained. */
  readonly difference: number;
  /** Largest |output| of the trained graph, for scale. */
  readonly largest: number;
}

/** Runs the model before, the trained graph and the written file on the same samples. */
export const trainedTask: Task<TrainedParams, TrainedComparison, Record<string, never>> = {
  name: "trained",
  async open({ model, written, weights, data, engine: name }) {
    const { graph, batch } = await bound(model);
    const trained = await bound(model, batch, (g) => withWeights(g, weights));
    const after = await bound(written, batch);
    const logits = (g: Graph): Graph => ({
      inputs: g.inputs,
      outputs: [...g.outputs, readout(g, "logits").z],
    });
    const runtime = await engine(name);
    const programs = [
      await runtime.compile(logits(graph)),
      await runtime.compile(logits(trained.graph)),
      await runtime.compile(logits(after.graph)),
    ];
    const read = readout(graph, "probabilities");
    const inputs = await openInputs(data, graph, batch, read.count);
    return {
      samples: inputs.samples,
      batch,
      info: {},
      async shard(from, to) {
        const sum = { ...nothing };
        for await (const feed of inputs.batches(from, to)) {
          const x = graph.inputs.map((v, i) => paddedInput(feed.inputs[i]!, feed.count, v));
          const results = [];
          for (const program of programs) results.push(await program.run(x));
          const [before, expected, found] = results;
          // The last output is there for the accuracy alone.
          expected!.slice(0, -1).forEach(({ data: values }, i) => {
            const rows = (values.length / batch) * feed.count;
            for (let k = 0; k < rows; k++) {
              sum.difference = larger(sum.difference, values[k]! - found![i]!.data[k]!);
              sum.largest = larger(sum.largest, values[k]!);
            }
          });
          if (feed.labels === undefined || !classifies(read)) continue;
          sum.labelled += feed.count;
          sum.correctBefore += correctIn(before!.at(-1)!, feed.labels);
          sum.correctAfter += correctIn(found!.at(-1)!, feed.labels);
        }
        return sum;
      },
      async close() {
        await inputs.close();
        for (const program of programs) await program.release();
      },
    };
  },
  merge: (a, b) => ({
    labelled: a.labelled + b.labelled,
    correctBefore: a.correctBefore + b.correctBefore,
    correctAfter: a.correctAfter + b.correctAfter,
    difference: larger(a.difference, b.difference),
    largest: larger(a.largest, b.largest),
  }),
};

const nothing = { labelled: 0, correctBefore: 0, correctAfter: 0, difference: 0, largest: 0 };

/** The larger magnitude; NaN once anything is NaN. */
const larger = (a: number, b: number): number => Math.max(a, Math.abs(b));
