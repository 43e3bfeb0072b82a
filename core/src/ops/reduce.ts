import type { Value } from "../ir/graph.ts";
import { type Dim, known, size, type Type } from "../ir/tensor.ts";
import { broadcastOffsets } from "./broadcast.ts";
import { axesOf, flag } from "./check.ts";
import { constantInputs } from "./constantInputs.ts";
import { expand } from "./expand.ts";
import { carry, consume, type Example, need, type Operator, operator, refuse } from "./operator.ts";
import { reshapeTo } from "./reshape.ts";

export type ReduceAttrs = {
  /** Absent: all axes, unless `noop_with_empty_axes`. */
  readonly axes?: readonly number[];
  readonly keepdims?: number;
  readonly noop_with_empty_axes?: number;
};

/** What a gradient of a reduction is made from; results have length 1 along the axes. */
interface Reduction {
  readonly x: Value;
  readonly y: Value;
  readonly ct: Value;
  readonly axes: readonly number[];
  /** How many elements make one. */
  readonly count: number;
}

/** Defines an operator that makes one number of all those along some axes. */
export function reduce(definition: {
  type: string;
  of(values: readonly number[]): number;
  /** The cotangent of x; it is broadcast to x's shape. */
  gradient(reduction: Reduction): Value;
  /** Why units along the axes cannot go; absent: one that is 0 is as good as gone. */
  fixed?: string;
  examples?: readonly Example<ReduceAttrs>[];
}): Operator<ReduceAttrs> {
  const { type, of, gradient, fixed } = definition;
  return operator<ReduceAttrs>({
    type,
    infer: (inputs, attrs) => [reducedType(need(inputs, 0, type), attrs, type)],
    evaluate([x], attrs, [{ dtype, shape }]) {
      const kept = keptShape(x!.shape, reducedAxes(attrs, x!.shape.length, type));
      const groups = Array.from({ length: size(kept) }, (): number[] => []);
      broadcastOffsets(kept, x!.shape).forEach((at, i) => {
        groups[at].push(x!.data[i]);
      });
      return [{ dtype, shape, data: Float64Array.from(groups, of) }];
    },
    gradient([ct], { inputs: [x], outputs: [y], attrs }) {
      const shape = known(x!.shape);
      const axes = reducedAxes(attrs, shape.length, type);
      const kept = keptShape(shape, axes);
      const count = size(axes.map((a) => shape[a]));
      const along = (v: Value) => reshapeTo(v, kept);
      const found = gradient({ x: x!, y: along(y), ct: along(ct!), axes, count });
      return [found.shape.join() === shape.join() ? found : expand({ shape }, found)];
    },
    channels: ({ inputs: [x], attrs }, _input, axis) => {
      const rule = reducedRule(attrs, x!.shape.length, axis, type);
      return rule.kind === "consume" && fixed !== undefined ? refuse(`${type} ${fixed}`) : rule;
    },
    ...constantInputs(type, [{ attr: "axes", input: 1 }]),
    examples: definition.examples ?? [
      { inputs: [[2, 3, 2]], attrs: { axes: [1], keepdims: 0 } },
      { inputs: [[2, 3, 2]], attrs: { axes: [0, -1] } },
      { inputs: [[2, 3]], attrs: {} },
    ],
  });
}

export function reducedType({ dtype, shape }: Type, attrs: ReduceAttrs, type: string): Type {
  const axes = reducedAxes(attrs, shape.length, type);
  const keep = flag(attrs.keepdims, true, `${type}: keepdims`);
  return {
    dtype,
    shape: shape.flatMap((d, i): Dim[] => (!axes.includes(i) ? [d] : keep ? [1] : [])),
  };
}

/** The axes that are gone or of length 1 afterwards. */
export function reducedAxes(attrs: ReduceAttrs, rank: number, type: string): readonly number[] {
  const absent = attrs.axes === undefined || attrs.axes.length === 0;
  if (!absent) return axesOf(attrs.axes, rank, `${type}: axes`);
  const none = flag(attrs.noop_with_empty_axes, false, `${type}: noop_with_empty_axes`);
  return none ? [] : axesOf(undefined, rank, `${type}: axes`);
}

/** Where an axis goes; it ends where it is reduced. */
export function reducedRule(attrs: ReduceAttrs, rank: number, axis: number, type: string) {
  const axes = reducedAxes(attrs, rank, type);
  if (axes.includes(axis)) return consume([]);
  const keep = flag(attrs.keepdims, true, `${type}: keepdims`);
  return carry(keep ? axis : axis - axes.filter((a) => a < axis).length);
}

/** The shape with length 1 along the axes. */
export const keptShape = (shape: readonly number[], axes: readonly number[]): number[] =>
  shape.map((d, i) => (axes.includes(i) ? 1 : d));
