import type { DataSpec } from "#core/data/spec.ts";
import type { Graph } from "#core/ir/graph.ts";
import { known } from "#core/ir/tensor.ts";
import { fail } from "#core/problem.ts";
import type { LossKind } from "#core/train/loss.ts";
import type { Source } from "#core/train/source.ts";
import { openInputs } from "./inputs.ts";
import { openSamples } from "./samples.ts";

/**
 * Data that a model is trained on: opened again for every pass. Rejects with ProblemError.
 * @param graph bound to the batch of a step
 */
export async function trainingSource(
  spec: DataSpec,
  graph: Graph,
  { outputs, loss }: { readonly outputs: number; readonly loss: LossKind },
): Promise<Source> {
  const { inputs } = graph;
  const [batch = 1] = known(inputs[0]!.shape);
  if (loss === "squared" && inputs.length === 1)
    await numbersAsLabels(spec, known(inputs[0]!.shape).slice(1));
  const open = () => openInputs(spec, graph, batch, outputs);
  const first = await open();
  await first.close();
  if (first.samples < 2)
    fail("data-mismatch", "training needs more than one sample; name other data", spec.data);
  return {
    name: spec.data,
    samples: first.samples,
    async *pass() {
      const opened = await open();
      try {
        yield* opened.batches(0, opened.samples);
      } finally {
        await opened.close();
      }
    },
  };
}

/** A model with one number as output learns the labels themselves: names of classes are none. */
async function numbersAsLabels(spec: DataSpec, shape: readonly number[]): Promise<void> {
  const samples = await openSamples(spec, shape);
  const { classes } = samples.dataset;
  await samples.close();
  if (classes !== undefined)
    fail(
      "data-mismatch",
      `the model has one number as output, and the labels are classes (${classes.slice(0, 3).join(", ")}…); it learns whole numbers from 0 on`,
      spec.data,
    );
}
