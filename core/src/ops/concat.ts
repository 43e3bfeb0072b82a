import type { Value } from "../ir/graph.ts";
import { type Dim, known, size } from "../ir/tensor.ts";
import { each } from "./channels.ts";
import { axisOf, check, equalDims, length, sameDType } from "./check.ts";
import {
  type ChannelRule,
  carry,
  join,
  need,
  type Operator,
  operator,
  type Port,
} from "./operator.ts";
import { slice } from "./slice.ts";

type ConcatAttrs = { readonly axis: number };

export const concat: Operator<ConcatAttrs> = operator<ConcatAttrs>({
  type: "Concat",
  infer(inputs, attrs) {
    const first = need(inputs, 0, "Concat");
    check(attrs.axis !== undefined, "Concat: axis is missing");
    const axis = axisOf(attrs.axis, first.shape.length, "Concat: axis");
    const parts = inputs.map((_, i) => need(inputs, i, "Concat"));
    for (const part of parts) {
      sameDType(first, part, "Concat");
      check(part.shape.length === first.shape.length, "Concat: the inputs differ in rank");
      first.shape.forEach((d, i) => {
        if (i !== axis) equalDims(d, part.shape[i], `Concat: axis ${i}`);
      });
    }
    return [{ dtype: first.dtype, shape: first.shape.with(axis, total(parts, axis)) }];
  },
  evaluate(inputs, attrs, [{ dtype, shape }]) {
    const axis = axisOf(attrs.axis, shape.length, "Concat: axis");
    const data = new Float64Array(size(shape));
    const row = size(shape.slice(axis));
    let start = 0;
    for (const part of inputs) {
      const own = size(part!.shape.slice(axis));
      for (let i = 0; i < part!.data.length; i++)
        data[Math.floor(i / own) * row + start + (i % own)] = part!.data[i];
      start += own;
    }
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs, attrs }) {
    const axis = axisOf(attrs.axis, ct!.shape.length, "Concat: axis");
    let end = 0;
    return inputs.map((part) => {
      const start = end;
      end += known(part!.shape)[axis];
      return slice({ axes: [axis], starts: [start], ends: [end] }, ct);
    });
  },
  channels({ inputs, attrs }, input, axis) {
    const joined = axisOf(attrs.axis, inputs[0]!.shape.length, "Concat: axis");
    if (inputs.length === 1) return carry(axis);
    if (axis === joined) return inRow(inputs as readonly Value[], axis);
    return carry(
      axis,
      inputs.flatMap((_, i) => (i === input ? [] : [{ input: i, axis }])),
    );
  },
  examples: [
    {
      inputs: [
        [2, 3],
        [2, 1],
        [2, 2],
      ],
      attrs: { axis: 1 },
    },
    {
      inputs: [
        [2, 3],
        [1, 3],
      ],
      attrs: { axis: -2 },
      constants: [1],
    },
  ],
});

function total(parts: readonly Value[], axis: number): Dim {
  if (parts.length === 1) return parts[0].shape[axis];
  return parts.reduce((sum, p) => sum + length(p.shape[axis], `Concat: axis ${axis}`), 0);
}

/** The units of each input, one after the other. */
function inRow(inputs: readonly Value[], axis: number): ChannelRule {
  let from = 0;
  const ports = inputs.map((x, input): Port => {
    const first = from;
    from += length(x.shape[axis], "Concat: joined axis");
    return { input, axis, label: (i) => first + i };
  });
  return join([...ports, { output: 0, axis, label: each }]);
}
