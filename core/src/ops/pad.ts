import type { Value } from "../ir/graph.ts";
import { type Dim, known, type Shape, size, strides, type Tensor } from "../ir/tensor.ts";
import { add } from "./add.ts";
import { applyAlong } from "./alongAxis.ts";
import { each } from "./channels.ts";
import { axesOf, check, constantNumbers, ints, length, real } from "./check.ts";
import { constantInputs } from "./constantInputs.ts";
import { literal } from "./literal.ts";
import { carry, join, need, type Operator, operator, refuse } from "./operator.ts";
import { reduceSum } from "./reduceSum.ts";
import { reverse, slice } from "./slice.ts";

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

/** Pads with a constant, or (mode) with the tensor's own elements: "reflect", "edge" or "wrap". */
export const pad: Operator<PadAttrs> = operator<PadAttrs>({
  type: "Pad",
  infer(inputs, attrs) {
    const { dtype, shape } = need(inputs, 0, "Pad");
    const { mode = "constant" } = attrs;
    check(mode === "constant" || Object.hasOwn(modes, mode), `Pad: mode ${mode} is unknown`);
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
    if (isOwn(attrs)) return [{ dtype, shape, data: padded(x!, attrs) }];
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
    if (isOwn(attrs)) {
      let back = ct!;
      for (const [axis, sources] of sourcesOf(known(x!.shape), attrs))
        back = gathered(back, axis, sources, Number(x!.shape[axis]));
      return [back];
    }
    return [pad({ pads: [...before, ...after].map((n) => 0 - n) }, ct!)];
  },
  channels({ inputs: [x], attrs }, _input, axis) {
    const { before, after } = margins(x!.shape, attrs);
    if (before[axis] === 0 && after[axis] === 0) return carry(axis);
    const [first, n] = [before[axis], x!.shape[axis]];
    const adds = first >= 0 && after[axis] >= 0 && (attrs.mode ?? "constant") === "constant";
    if (!adds || typeof n !== "number") return refuse("Pad makes units of others");
    // What is added goes by itself.
    const own = (i: number) => (i >= first && i < first + n ? i - first : -1 - i);
    return join([
      { input: 0, axis, label: each },
      { output: 0, axis, label: own },
    ]);
  },
  fitted({ inputs: [x], attrs }, gone) {
    const axes = attrs.axes ?? x!.shape.map((_, d) => d);
    const pads = attrs.pads.map((pad, i) => {
      const axis = axes[i % axes.length];
      const d = axis < 0 ? axis + x!.shape.length : axis;
      const first = attrs.pads[i % axes.length];
      const end = first + Number(x!.shape[d]);
      const lost = gone({ output: 0 }, d);
      return pad - lost.filter((u) => (i < axes.length ? u < first : u >= end)).length;
    });
    return { pads };
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
    { inputs: [[2, 4]], attrs: { pads: [1, 2, 0, 3], mode: "reflect" } },
    { inputs: [[1, 2, 3, 4]], attrs: { pads: [1, 2, 0, 1], axes: [2, 3], mode: "edge" } },
    { inputs: [[2, 3]], attrs: { pads: [0, 2, 0, 2], mode: "wrap" } },
    { inputs: [[5, 2]], attrs: { pads: [-1, 0, 3, 0], mode: "reflect" } },
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

const isOwn = ({ mode = "constant" }: PadAttrs): boolean => mode !== "constant";

/** Which of n elements stands at place i, counted from the first. */
const modes: Readonly<Record<string, (i: number, n: number) => number>> = {
  edge: (i, n) => Math.min(Math.max(i, 0), n - 1),
  wrap: (i, n) => ((i % n) + n) % n,
  reflect(i, n) {
    if (n === 1) return 0;
    const period = 2 * (n - 1);
    const place = ((i % period) + period) % period;
    return place < n ? place : period - place;
  },
};

/** For each padded axis the index that each element comes from. What is cut off is not repeated. */
function sourcesOf(
  shape: readonly number[],
  attrs: PadAttrs,
): readonly (readonly [axis: number, sources: readonly number[]])[] {
  const { before, after } = margins(shape, attrs);
  const place = modes[attrs.mode ?? "edge"];
  return shape.flatMap((n, axis) => {
    if (before[axis] === 0 && after[axis] === 0) return [];
    const first = Math.max(0, -before[axis]);
    const kept = n - first - Math.max(0, -after[axis]);
    check(kept > 0, `Pad: axis ${axis} has nothing to repeat`);
    const sources = Array.from({ length: n + before[axis] + after[axis] }, (_, i) => {
      return first + place(i - Math.max(0, before[axis]), kept);
    });
    return [[axis, sources] as const];
  });
}

function padded(x: Tensor, attrs: PadAttrs): Float64Array {
  let data: Float64Array = Float64Array.from(x.data);
  const shape = [...x.shape];
  for (const [axis, sources] of sourcesOf(x.shape, attrs)) {
    const rows = sources.map((i) => [[i, 1]] as const);
    data = applyAlong(data, shape, axis, rows);
    shape[axis] = rows.length;
  }
  return data;
}

/** Elements [from, to) along the axis come from sources that rise, fall or stay. */
interface Run {
  readonly from: number;
  readonly to: number;
  readonly step: number;
}

/**
 * The transposed repetition: for each of the n elements the sum of what was made of it. Run by run, so
 * that its size is that of the tensor, where a product with the whole map would have n² numbers.
 */
function gathered(ct: Value, axis: number, sources: readonly number[], n: number): Value {
  const rank = ct.shape.length;
  const parts = runsOf(sources).map(({ from, to, step }) => {
    const own = slice({ axes: [axis], starts: [from], ends: [to] }, ct);
    const rising =
      step < 0 ? reverse(own, [axis]) : step === 0 ? reduceSum({ axes: [axis] }, own) : own;
    const first = Math.min(sources[from], sources[to - 1]);
    const pads = new Array<number>(2 * rank).fill(0);
    pads[axis] = first;
    pads[rank + axis] = n - first - Number(rising.shape[axis]);
    return pads.some((p) => p !== 0) ? pad({ pads }, rising) : rising;
  });
  return parts.reduce((a, b) => add({}, a, b));
}

function runsOf(sources: readonly number[]): readonly Run[] {
  const runs: Run[] = [];
  for (let from = 0; from < sources.length; ) {
    const step = from + 1 < sources.length ? sources[from + 1] - sources[from] : 1;
    let to = from + 1;
    if (Math.abs(step) <= 1)
      while (to < sources.length && sources[to] - sources[to - 1] === step) to++;
    runs.push({ from, to, step: to - from === 1 ? 1 : step });
    from = to;
  }
  return runs;
}
