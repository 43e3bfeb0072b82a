import type { Importance, LayerImportance } from "#protocol/views/importance.ts";
import type { LayerView, ModelView } from "#protocol/views/model.ts";

/** A small model for tests of the listing: conv1 and fc1 can be pruned, fc2 is the output. */
export const model: ModelView = {
  name: "digits.onnx",
  format: "onnx, opset 17",
  parameters: 1_199_882,
  macs: 11_283_456,
  inputs: [{ name: "x", dtype: "float32", shape: ["N", 1, 28, 28] }],
  outputs: [{ name: "y", dtype: "float32", shape: ["N", 2] }],
  layers: [
    layer("conv1", "Conv 3x3  1 -> 4  Relu", 4, { parameters: 40 }),
    layer("fc1", "Gemm  16 -> 3  Relu", 3, { parameters: 51 }),
    layer("fc2", "Gemm  3 -> 2", 2, { op: "Gemm", parameters: 8, output: true }),
  ],
  problems: [],
};

export const importance: Importance = {
  data: "t10k-images-idx3-ubyte.gz",
  samples: 10_000,
  outputs: "probabilities",
  accuracy: 0.9893,
  layers: [
    measured("conv1", [0.0312, 0.0007, 0, 0.02], {
      active: [0.83, 0.004, 0, 1],
      contribution: [
        [0.6, 0.1, 0, -0.3],
        [0.1, 0, 0, 0.9],
      ],
    }),
    measured("fc1", [12.25, 3.5, 0.004], { active: [0.5, 0.25, 0.125] }),
    measured("fc2", [1, 0.001], { output: true }),
  ],
  input: { shape: [1, 28, 28], importance: [] },
};

export function layer(
  name: string,
  summary: string,
  units: number,
  rest: Partial<LayerView> = {},
): LayerView {
  return { name, op: "Conv", summary, units, parameters: 0, output: false, ...rest };
}

export function measured(
  name: string,
  importance: readonly number[],
  rest: Partial<LayerImportance> = {},
): LayerImportance {
  const each = importance.map(() => 1);
  return {
    name,
    op: "Conv",
    units: importance.length,
    importance,
    index: "gate",
    sigma: each,
    gate: each,
    scaled: each,
    meanAbs: each,
    meanSquare: each,
    active: each,
    deviation: each,
    contribution: [],
    output: false,
    ...rest,
  };
}
