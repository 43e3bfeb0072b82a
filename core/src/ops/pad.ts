import { type Dim, type Shape, size, strides } from "../ir/tensor.ts";
import { axesOf, check, constantNumbers, ints, length, real } from "./check.ts";
import { constantInputs } from "./constantInputs.ts";
import { literal } from "./literal.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";

type PadAttrs = {
  /** Elements to add before each axis, then after each axis; negative ones are cut off. */
  readonly pads: readonly number[];
  readonly axes?: readonly number[];
  readonly value?: number;
  readonly mode?: string;
};

const lists = constantInputs("Pad", [
  { attr: "pads", input: 1 },
  { attr: "axes", input: 3 },
]);

/** Padding with a constant. */
export const pad: Operator<PadAttrs> = operator<PadAttrs>({
  type: "Pad",
  infer(inputs, attrs) {
    const { dtype, shape } = need(inputs, 0, "Pad");
    const { mode = "constant" } = attrs;
    check(mode === "constant", `Pad: mode ${mode} is not supported`);
    real(attrs.value, 0, "Pad: value");
    const { before, after } = margins(shape, attrs);
    return [
      {
        dtype,
        shape: shape.map((n, d): Dim => {
          if (before[d] === 0 && after[d] === 0) return n;
          const result = length(n, `Pad: axis ${d}`) + before[d] + after[d];
          check(result >= 0, `Pad: axis ${d} gets the negative length ${result}`);
          return result;
        }),
      },
    ];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const { before } = margins(x!.shape, attrs);
    const from = strides(x!.shape);
    const own = strides(shape);
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      let at = 0;
      for (let d = 0; d < shape.length; d++) {
        const index = (Math.floor(i / own[d]) % shape[d]) - before[d];
        if (index < 0 || index >= x!.shape[d]) return attrs.value ?? 0;
        at += index * from[d];
      }
      return x!.data[at];
    });
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs: [x], attrs }) {
    const { before, after } = margins(x!.shape, attrs);
    return [pad({ pads: [...before, ...after].map((n) => 0 - n) }, ct!)];
  },
  channels({ inputs: [x], attrs }, _input, axis) {
    const { before, after } = margins(x!.shape, attrs);
    return before[axis] === 0 && after[axis] === 0 ? carry(axis) : refuse("Pad adds units");
  },
  onnx(node) {
    const { value, ...rest } = node.attrs;
    const form = lists.onnx({ inputs: node.inputs, attrs: rest });
    if (value === undefined) return form;
    return {
      ...form,
      inputs: [...form.inputs.slice(0, 2), literal(node.inputs[0]!, value), form.inputs[3]],
    };
  },
  fromOnnx(form) {
    const value = form.inputs[2];
    const { inputs, attrs } = lists.fromOnnx(form);
    if (value === undefined) return { inputs, attrs };
    return { inputs, attrs: { ...attrs, value: constantNumbers(value, "Pad: value")[0] } };
  },
  examples: [
    { inputs: [[2, 3]], attrs: { pads: [1, 0, 0, 2] } },
    {
      inputs: [[2, 5]],
      attrs: { pads: [-1, 2], axes: [1], value: 0.5 },
      note: "cuts off and adds",
    },
  ],
});

function margins(shape: Shape, attrs: PadAttrs) {
  const axes = axesOf(attrs.axes, shape.length, "Pad: axes");
  const pads = ints(attrs.pads, { length: 2 * axes.length }, "Pad: pads");
  const before = shape.map(() => 0);
  const after = shape.map(() => 0);
  axes.forEach((axis, i) => {
    before[axis] = pads[i];
    after[axis] = pads[axes.length + i];
  });
  return { before, after };
}
