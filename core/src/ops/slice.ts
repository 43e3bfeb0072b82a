import { type Dim, known, type Shape, size, strides } from "../ir/tensor.ts";
import { each } from "./channels.ts";
import { axesOf, check, ints } from "./check.ts";
import { constantInputs } from "./constantInputs.ts";
import { filled } from "./literal.ts";
import { carry, join, need, type Operator, operator, refuse } from "./operator.ts";
import { pad } from "./pad.ts";
import { reshapeTo } from "./reshape.ts";

type SliceAttrs = {
  readonly starts: readonly number[];
  readonly ends: readonly number[];
  readonly axes?: readonly number[];
  readonly steps?: readonly number[];
};

/** Along one axis: index i of the result is start + i·step of the input. */
interface Range {
  readonly start: number;
  readonly step: number;
  readonly length: Dim;
}

export const slice: Operator<SliceAttrs> = operator<SliceAttrs>({
  type: "Slice",
  infer(inputs, attrs) {
    const { dtype, shape } = need(inputs, 0, "Slice");
    return [{ dtype, shape: ranges(shape, attrs).map((r) => r.length) }];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const along = ranges(x!.shape, attrs);
    const from = strides(x!.shape);
    const own = strides(shape);
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      let at = 0;
      for (let d = 0; d < shape.length; d++) {
        const index = Math.floor(i / own[d]) % shape[d];
        at += (along[d].start + index * along[d].step) * from[d];
      }
      return x!.data[at];
    });
    return [{ dtype, shape, data }];
  },
  /** Undo the reversal, put zeros between the elements, then before and after them. */
  gradient([ct], { inputs: [x], attrs }) {
    const shape = known(x!.shape);
    const along = ranges(shape, attrs);
    const lengths = known(ct!.shape);
    if (size(lengths) === 0) return [filled(ct!, shape, 0)];
    const back = along.flatMap((r, d) => (r.step < 0 ? [d] : []));
    const forward = back.length === 0 ? ct! : reverse(ct!, back);
    const steps = along.map((r) => Math.abs(r.step));
    const spaced = steps.every((s) => s === 1)
      ? forward
      : reshapeTo(
          pad(
            { pads: [...lengths.flatMap(() => [0, 0]), ...steps.flatMap((s) => [0, s - 1])] },
            reshapeTo(
              forward,
              lengths.flatMap((n) => [n, 1]),
            ),
          ),
          lengths.map((n, d) => n * steps[d]),
        );
    const before = along.map((r, d) => Math.min(r.start, r.start + (lengths[d] - 1) * r.step));
    const after = shape.map((n, d) => n - before[d] - lengths[d] * steps[d]);
    return [pad({ pads: [...before, ...after] }, spaced)];
  },
  channels({ inputs: [x], attrs }, _input, axis) {
    const { start, step, length } = ranges(x!.shape, attrs)[axis];
    if (start === 0 && step === 1 && length === x!.shape[axis]) return carry(axis);
    if (step !== 1) return refuse("Slice picks every so many units");
    return join([
      { input: 0, axis, label: each },
      { output: 0, axis, label: (i) => start + i },
    ]);
  },
  /** Bounds move by what is gone before them; those that count from the end by what is gone behind. */
  fitted({ inputs: [x], attrs }, gone) {
    const axes = attrs.axes ?? attrs.starts.map((_, i) => i);
    const moved = (bounds: readonly number[]) =>
      bounds.map((bound, i) => {
        const axis = axes[i] < 0 ? axes[i] + x!.shape.length : axes[i];
        const lost = gone({ input: 0 }, axis);
        const n = x!.shape[axis];
        if (lost.length === 0 || typeof n !== "number" || bound >= n || bound < -n) return bound;
        const from = bound < 0 ? bound + n : bound;
        const before = lost.filter((u) => u < from).length;
        return bound < 0 ? bound + lost.length - before : bound - before;
      });
    return { starts: moved(attrs.starts), ends: moved(attrs.ends) };
  },
  ...constantInputs("Slice", [
    { attr: "starts", input: 1 },
    { attr: "ends", input: 2 },
    { attr: "axes", input: 3 },
    { attr: "steps", input: 4 },
  ]),
  examples: [
    { inputs: [[3, 5]], attrs: { starts: [1], ends: [-1], axes: [1] } },
    { inputs: [[2, 7]], attrs: { starts: [1], ends: [7], axes: [1], steps: [3] } },
    {
      inputs: [[4, 5]],
      attrs: { starts: [3, -1], ends: [0, -100], steps: [-1, -2] },
      note: "backwards",
    },
  ],
});

/** The value with some axes reversed. */
export const reverse = (x: Parameters<typeof slice>[1], axes: readonly number[]) =>
  slice(
    {
      axes,
      starts: axes.map(() => -1),
      ends: axes.map(() => Number.MIN_SAFE_INTEGER),
      steps: axes.map(() => -1),
    },
    x,
  );

function ranges(shape: Shape, attrs: SliceAttrs): readonly Range[] {
  const starts = ints(attrs.starts, {}, "Slice: starts");
  const count = { length: starts.length };
  const ends = ints(attrs.ends, count, "Slice: ends");
  const axes =
    attrs.axes === undefined
      ? starts.map((_, i) => i)
      : axesOf(ints(attrs.axes, count, "Slice: axes"), shape.length, "Slice: axes");
  const steps = ints(attrs.steps ?? starts.map(() => 1), count, "Slice: steps");
  check(axes.length <= shape.length, "Slice: more axes than the input has");
  return shape.map((n, d) => {
    const i = axes.indexOf(d);
    if (i < 0) return { start: 0, step: 1, length: n };
    return range(n, starts[i], ends[i], steps[i]);
  });
}

function range(n: Dim, start: number, end: number, step: number): Range {
  check(step !== 0, "Slice: a step is 0");
  if (typeof n === "string") {
    check(
      start === 0 && step === 1 && end >= 2 ** 31 - 1,
      `Slice: the axis is symbolic (${n}): bind it to a length`,
    );
    return { start, step, length: n };
  }
  const clamp = (v: number, low: number, high: number) =>
    Math.min(Math.max(v < 0 ? v + n : v, low), high);
  const [low, high] = step > 0 ? [0, n] : [-1, n - 1];
  const from = clamp(start, low, high);
  const to = clamp(end, low, high);
  return { start: from, step, length: Math.max(0, Math.ceil((to - from) / step)) };
}
