import { type Dim, known, type Shape } from "../ir/tensor.ts";
import { broadcast, broadcastOffsets, unbroadcast } from "./broadcast.ts";
import { check, ints } from "./check.ts";
import { constantInputs } from "./constantInputs.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";

type ExpandAttrs = {
  /** Lengths by name are put in when the graph is bound to them (formats/batch.ts). */
  readonly shape: Shape;
};

const inputs = constantInputs("Expand", [{ attr: "shape", input: 1 }]);

export const expand: Operator<ExpandAttrs> = operator<ExpandAttrs>({
  type: "Expand",
  infer(inputs, attrs) {
    const x = need(inputs, 0, "Expand");
    return [{ dtype: x.dtype, shape: broadcast(x.shape, target(attrs), "Expand") }];
  },
  evaluate: ([x], _attrs, [{ dtype, shape }]) => [
    {
      dtype,
      shape,
      data: Float64Array.from(broadcastOffsets(x!.shape, shape), (at) => x!.data[at]),
    },
  ],
  gradient: ([ct], { inputs: [x] }) => [unbroadcast(ct!, x!)],
  channels({ inputs: [x], outputs: [y] }, _input, axis) {
    const there = axis + y.shape.length - x!.shape.length;
    if (x!.shape[axis] !== y.shape[there]) return refuse("Expand repeats a single unit");
    return carry(there);
  },
  repeats: ({ inputs: [x], outputs: [y] }, axis) =>
    x!.shape[axis + x!.shape.length - y.shape.length] !== y.shape[axis],
  fitted({ attrs: { shape }, outputs: [y] }, gone) {
    const before = y.shape.length - shape.length;
    return {
      shape: shape.map((d, i) =>
        typeof d === "number" && d > 1 ? d - gone({ output: 0 }, before + i).length : d,
      ),
    };
  },
  ...inputs,
  onnx: (node) => inputs.onnx({ ...node, attrs: { shape: known(node.attrs.shape, "Expand") } }),
  examples: [
    { inputs: [[3, 1]], attrs: { shape: [2, 1, 4] } },
    { inputs: [[]], attrs: { shape: [2, 2] } },
  ],
});

function target({ shape }: ExpandAttrs): Shape {
  check(Array.isArray(shape), "Expand: shape must be a list of lengths");
  return shape.map((d: Dim) => (typeof d === "string" ? d : ints([d], { least: 0 }, "Expand")[0]));
}
