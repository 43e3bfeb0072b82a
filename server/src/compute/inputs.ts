import { splitName } from "#core/data/open.ts";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import type { Feed } from "#core/explain/importance/compute.ts";
import type { Graph, Value } from "#core/ir/graph.ts";
import { isFloat, known } from "#core/ir/tensor.ts";
import { fail } from "#core/problem.ts";
import { openSamples, type Samples } from "./samples.ts";

/** The data of all inputs of a model, side by side. */
export interface Inputs {
  readonly samples: number;
  /** Whether batches carry labels. */
  readonly labelled: boolean;
  /** Reads forward, batch by batch. */
  batches(from: number, to: number): AsyncIterable<Feed>;
  close(): Promise<void>;
}

/**
 * Opens the data for every input of a model. Several inputs take a .npz file with one array for each, by
 * their names; labels are found as for one input. Rejects with ProblemError.
 */
export async function openInputs(
  spec: DataSpec,
  { inputs }: Graph,
  batch: number,
  outputs: number,
): Promise<Inputs> {
  const opened: Samples[] = [];
  const close = async () => {
    for (const samples of opened) await samples.close();
  };
  try {
    for (const input of inputs)
      opened.push(await openSamples(specOf(spec, input, inputs), known(input.shape).slice(1)));
    const counts = opened.map((s) => s.dataset.count);
    if (counts.some((n) => n !== counts[0]))
      fail(
        "data-mismatch",
        `the arrays of the inputs have different numbers of samples (${counts.join(", ")})`,
        spec.data,
      );
    const readers = opened.map((s) => s.forward(batch, outputs));
    return {
      samples: counts[0]!,
      labelled: opened[0]!.dataset.labelled,
      async *batches(from, to) {
        const [leader, ...others] = readers.map((r) => r.batches(from, to)[Symbol.asyncIterator]());
        try {
          for (;;) {
            const own = await leader!.next();
            if (own.done === true) return;
            const all = [own.value];
            for (const other of others) {
              const next = await other.next();
              if (next.done !== true) all.push(next.value);
            }
            const { from: first, count, labels } = own.value;
            const values = all.map((b, i) => opened[i]!.prepare(b));
            yield {
              from: first,
              count,
              inputs: values,
              ...defined({ labels }),
            };
          }
        } finally {
          for (const iterator of [leader!, ...others]) await iterator.return?.();
        }
      },
      async close() {
        for (const reader of readers) await reader.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}

function specOf(spec: DataSpec, input: Value, inputs: readonly Value[]): DataSpec {
  // Token ids and the like are what they are.
  const own = isFloat(input.dtype) ? spec : { ...spec, preprocess: {} };
  if (inputs.length === 1) return own;
  const { path, choices } = splitName(spec.data);
  const names = inputs.map((v) => v.node.name);
  if (!/\.npz$/i.test(path) || choices.has("x"))
    return fail(
      "data-mismatch",
      `the model has ${inputs.length} inputs; name a .npz file with one array for each (${names.join(", ")})`,
      spec.data,
    );
  const labels = choices.get("y");
  const chosen = labels === undefined ? "" : `&y=${labels}`;
  return { ...own, data: `${path}#x=${input.node.name}${chosen}` };
}
