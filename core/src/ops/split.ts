import type { Value } from "../ir/graph.ts";
import { type Dim, known, type Shape, size } from "../ir/tensor.ts";
import { each, places } from "./channels.ts";
import { axisOf, check, int, ints, length } from "./check.ts";
import { concat } from "./concat.ts";
import { constantInputs } from "./constantInputs.ts";
import { filled } from "./literal.ts";
import { carry, join, need, type Operator, operator, type Port } from "./operator.ts";

type SplitAttrs = {
  readonly axis?: number;
  /** The lengths of the parts, or how many parts (the last may be shorter). */
  readonly split?: readonly number[];
  readonly num_outputs?: number;
};

export const split: Operator<SplitAttrs> = operator<SplitAttrs>({
  type: "Split",
  variadicOutputs: true,
  infer(inputs, attrs) {
    const { dtype, shape } = need(inputs, 0, "Split");
    const axis = along(attrs, shape);
    return parts(shape, attrs).map((n) => ({ dtype, shape: shape.with(axis, n) }));
  },
  evaluate([x], attrs, types) {
    const axis = along(attrs, x!.shape);
    const row = size(x!.shape.slice(axis));
    let start = 0;
    return types.map(({ dtype, shape }) => {
      const own = size(shape.slice(axis));
      const from = start;
      start += own;
      const data = Float64Array.from(
        { length: size(shape) },
        (_, i) => x!.data[Math.floor(i / own) * row + from + (i % own)],
      );
      return { dtype, shape, data };
    });
  },
  gradient(cts, { inputs: [x], outputs, attrs }) {
    const axis = along(attrs, x!.shape);
    const like = cts.find((ct) => ct !== undefined)!;
    const whole = outputs.map((y, i): Value => cts[i] ?? filled(like, known(y.shape), 0));
    return [concat({ axis }, ...whole)];
  },
  channels({ inputs: [x], outputs, attrs }, _input, axis) {
    if (outputs.length === 1) return carry(axis);
    const start = { input: 0, axis, label: each };
    if (axis !== along(attrs, x!.shape))
      return join([start, ...outputs.map((_, output) => ({ output, axis, label: each }))]);
    const lengths = outputs.map((y) => y.shape[axis] as number);
    // Where the file tells the number of parts alone, they stay as long as each other.
    if (attrs.split === undefined && lengths.every((n) => n === lengths[0]))
      return join([
        { ...start, label: places(lengths[0]) },
        ...outputs.map((_, output) => ({ output, axis, label: each })),
      ]);
    let from = 0;
    const parts = outputs.map((_, output): Port => {
      const first = from;
      from += lengths[output];
      return { output, axis, label: (i) => first + i };
    });
    return join([start, ...parts]);
  },
  fitted({ inputs: [x], outputs, attrs }, gone) {
    const axis = along(attrs, x!.shape);
    const left = outputs.map(
      (y, k) => (y.shape[axis] as number) - gone({ output: k }, axis).length,
    );
    const whole = left.reduce((a, b) => a + b, 0);
    if (attrs.split !== undefined) return { split: left };
    const equal = parts(x!.shape.with(axis, whole), attrs);
    check(
      equal.every((n, k) => n === left[k]),
      `Split makes parts of equal length, and ${left.join(", ")} would be left`,
    );
    return {};
  },
  ...constantInputs("Split", [{ attr: "split", input: 1 }]),
  examples: [
    { inputs: [[2, 6]], attrs: { axis: 1, num_outputs: 3 } },
    { inputs: [[5, 2]], attrs: { num_outputs: 2 }, note: "the last part is shorter" },
    { inputs: [[2, 5, 2]], attrs: { axis: -2, split: [1, 3, 1] } },
  ],
});

const along = ({ axis }: SplitAttrs, shape: Shape): number =>
  axisOf(axis ?? 0, shape.length, "Split: axis");

function parts(shape: Shape, attrs: SplitAttrs): readonly Dim[] {
  const axis = along(attrs, shape);
  if (attrs.split !== undefined) {
    const given = ints(attrs.split, { least: 0 }, "Split: split");
    const whole = length(shape[axis], `Split: axis ${axis}`);
    const sum = given.reduce((a, b) => a + b, 0);
    check(sum === whole, `Split: the parts are ${sum} long, axis ${axis} is ${whole}`);
    return given;
  }
  const count = int(attrs.num_outputs, 1, "Split: num_outputs");
  if (count === 1) return [shape[axis]];
  const whole = length(shape[axis], `Split: axis ${axis}`);
  const each = Math.ceil(whole / count);
  check(
    count >= 1 && each * (count - 1) <= whole,
    `Split: ${whole} elements do not make ${count} parts`,
  );
  return Array.from({ length: count }, (_, i) => Math.min(each, whole - i * each));
}
