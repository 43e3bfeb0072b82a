import { split } from "../../autodiff/split.ts";
import { correctIn } from "../../explain/correct.ts";
import type { Feed } from "../../explain/importance/compute.ts";
import { paddedInput } from "../../explain/padding.ts";
import { readout } from "../../explain/readout.ts";
import type { Graph, Value } from "../../ir/graph.ts";
import type { Tensor } from "../../ir/tensor.ts";
import type { Program, Runtime } from "../../runtime/runtime.ts";
import { factorsAt, type Maskable, type MaskedForm } from "./maskable.ts";

/** Samples classified as labelled. */
export interface MaskedCounts {
  readonly labelled: number;
  /** By the model as it is. */
  readonly baseline: number;
  /** By the model without each removal. */
  readonly correct: readonly number[];
}

export interface MaskedRun {
  /** Of batches with labels, each of the graph's batch size but for the last one. */
  run(batches: AsyncIterable<Feed>): Promise<MaskedCounts>;
  release(): Promise<void>;
}

/**
 * Compiles a maskable graph: one program up to the first masked places, which runs once for each batch,
 * and one from there on for each form, which runs once for each removal.
 * @param graph `layout.graph` bound to a batch
 */
export async function compileMasked(
  runtime: Runtime,
  graph: Graph,
  layout: Maskable,
): Promise<MaskedRun> {
  const vectors = graph.inputs.length - layout.places.length;
  const inputs = graph.inputs.slice(0, vectors);
  const logits = (output: Value): Value => readout({ inputs, outputs: [output] }, "logits").z;
  const [original, ...masked] = graph.outputs;
  // What is computed once: the logits as they are, and what the masked parts read.
  const shared = new Map<Value, number>([[logits(original), 0]]);
  const parts: Part[] = [];
  for (const [k, form] of layout.forms.entries()) {
    const masks = form.places.map((p) => graph.inputs[vectors + p]);
    const { primal, transposed } = split(inputs, masks, [], [logits(masked[k])]);
    const reads = primal.outputs.map((value): Source => {
      const fed = inputs.indexOf(value);
      if (fed >= 0) return { input: fed };
      if (!shared.has(value)) shared.set(value, shared.size);
      return { output: shared.get(value)! };
    });
    parts.push({ program: await runtime.compile(transposed, REUSE), reads, form });
  }
  const outputs = [...shared.keys()];
  const prefix = await runtime.compile({ inputs, outputs }, REUSE);
  const factors = layout.zeros.map((_, r) => factorsOf(layout, parts, r));
  return {
    async run(batches) {
      let [labelled, baseline] = [0, 0];
      const correct = new Array<number>(layout.zeros.length).fill(0);
      for await (const { inputs: data, count, labels } of batches) {
        if (labels === undefined) continue;
        const x = inputs.map((v, i) => paddedInput(data[i], count, v));
        const before = await prefix.run(x);
        const own = correctIn(before[0], labels);
        labelled += count;
        baseline += own;
        layout.zeros.forEach((zeros, r) => {
          if (zeros.size === 0) correct[r] += own;
        });
        for (const { program, reads, form } of parts) {
          const given = reads.map((s) => ("input" in s ? x[s.input] : before[s.output]));
          for (const r of form.removals) {
            const [z] = await program.run([...factors[r], ...given]);
            correct[r] += correctIn(z, labels);
          }
        }
      }
      return { labelled, baseline, correct };
    },
    async release() {
      for (const { program } of [{ program: prefix }, ...parts]) await program.release();
    },
  };
}

/** A run's results are counted before the next one. */
const REUSE = { reuse: true };

type Source = { readonly input: number } | { readonly output: number };

interface Part {
  readonly program: Program;
  /** What it reads besides the masks. */
  readonly reads: readonly Source[];
  readonly form: MaskedForm;
}

/** The vectors of factors of a removal, in the order of its form's places. */
function factorsOf(
  { places, zeros }: Maskable,
  parts: readonly Part[],
  removal: number,
): readonly Tensor[] {
  const form = parts.find((p) => p.form.removals.includes(removal))?.form;
  return (form?.places ?? []).map((p) => factorsAt(places[p], zeros[removal].get(p)));
}

export const addCounts = (a: MaskedCounts, b: MaskedCounts): MaskedCounts => ({
  labelled: a.labelled + b.labelled,
  baseline: a.baseline + b.baseline,
  correct: a.correct.map((n, r) => n + b.correct[r]),
});
