import assert from "node:assert/strict";
import type { Runtime } from "#core/runtime/runtime.ts";
import { Machine } from "#core/train/machine.ts";
import { OPTIMISERS, optimisers } from "#core/train/optimisers.ts";
import { parametersOf } from "#core/train/parameters.ts";
import { stepGraph } from "#core/train/step.ts";
import { engine } from "#server/runtime/engines.ts";
import { assertNear, assertRelative } from "../support/numbers.ts";
import { referenceRuntime } from "../support/referenceRuntime.ts";
import { expectedSteps, trainingModel, trainingRows } from "../support/training.ts";

const BATCH = 8;
/** As in fixtures/training/make.py. */
const SETTINGS = {
  sgd: { rate: 0.1, weightDecay: 0.01 },
  momentum: { rate: 0.05, weightDecay: 0 },
  adam: { rate: 0.02, weightDecay: 0.01 },
};

/** Five steps in order, the last on a short batch. */
async function steps(runtime: Runtime, name: string, optimiser: keyof typeof SETTINGS) {
  const graph = await trainingModel(name, BATCH);
  const rows = await trainingRows(name, graph);
  const { rate, weightDecay } = SETTINGS[optimiser];
  const step = stepGraph(graph, parametersOf(graph, "all"), {
    optimiser: optimisers[optimiser],
    weightDecay,
  });
  const machine = await Machine.compile(runtime, step, optimisers[optimiser]);
  const losses: number[] = [];
  for (let at = 0; at < rows.count; at += BATCH) {
    const places = Uint32Array.from({ length: Math.min(BATCH, rows.count - at) }, (_, i) => at + i);
    const { loss, samples } = await machine.step(rows, places, rate);
    losses.push(loss / samples);
  }
  const weights = machine.weights();
  await machine.release();
  return { losses, weights };
}

describe("five steps of training, against PyTorch", function () {
  this.timeout(60_000);
  for (const name of ["onnxruntime", "tfjs", "reference"] as const)
    for (const model of Object.keys(expectedSteps))
      for (const optimiser of OPTIMISERS)
        it(`${model}, ${optimiser}, ${name}`, async () => {
          const runtime = name === "reference" ? referenceRuntime : await engine(name);
          const { losses, weights } = await steps(runtime, model, optimiser);
          const expected = expectedSteps[model]![optimiser]!;
          assertRelative(losses, expected.losses, { tolerance: 2e-5, what: "loss" });
          assert.deepEqual(new Set(weights.keys()), new Set(Object.keys(expected.weights)));
          for (const [key, values] of Object.entries(expected.weights))
            assertNear(weights.get(key)!, values, 1e-5, key);
        });
});
