import type { Dim } from "../../../ir/tensor.ts";
import { InvalidNode } from "../../../ops/operator.ts";
import { type Call, Unsupported } from "./call.ts";
import { type Held, heldAxis, ordered, plain, rankOf, shapeOf } from "./held.ts";
import { without } from "./ops/reduction.ts";

/** What a StridedSlice does with each axis of its input; with `added` axes of length 1 between. */
interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
  readonly step: number;
  /** The axis goes: one element is taken. */
  readonly taken: boolean;
}

const FAR = 2 ** 31 - 1;

/** The masks of the attributes are bits, one for each entry of begin. */
export function stridedSlice(call: Call): Held {
  const x = call.tensor(0);
  const { cuts, added } = read(call, rankOf(x));
  const used = cuts.filter((c) => !(c.start === 0 && c.end >= FAR && c.step === 1) || c.taken);
  const value =
    used.length === 0
      ? x.value
      : call.apply(
          "Slice",
          {},
          x.value,
          call.integers(used.map((c) => c.start)),
          call.integers(used.map((c) => c.end)),
          call.integers(used.map((c) => heldAxis(x, c.axis))),
          call.integers(used.map((c) => c.step)),
        );
  const taken = used.filter((c) => c.taken).map((c) => c.axis);
  const sliced = ordered(value, x.order);
  const squeezed = squeeze(call, sliced, taken);
  if (added.length === 0) return squeezed;
  const shape: Dim[] = [...shapeOf(squeezed)];
  for (const axis of added) shape.splice(axis, 0, 1);
  const flat = call.reorder(
    squeezed,
    squeezed.order.map((_, i) => i),
  );
  return plain(call.reshape(flat, shape));
}

/** Takes axes of length 1 away. */
export function squeeze(call: Call, x: Held, axes: readonly number[]): Held {
  if (axes.length === 0) return x;
  const shape = shapeOf(x);
  if (axes.some((a) => shape[a] !== 1))
    throw new InvalidNode(`[${shape.join(", ")}] has no length 1 at the axes ${axes.join(", ")}`);
  const held = axes.map((a) => heldAxis(x, a)).sort((a, b) => a - b);
  return ordered(call.apply("Squeeze", {}, x.value, call.integers(held)), without(x, axes));
}

function read(call: Call, rank: number): { cuts: readonly Cut[]; added: readonly number[] } {
  const [begin, end] = [call.numbers(1), call.sizes(2).map((s) => s.dim)];
  const steps = call.numbers(3);
  const bit = (mask: string, i: number) => ((call.attributes.int(mask) >> i) & 1) === 1;
  if (begin.length !== end.length || begin.length !== steps.length)
    throw new InvalidNode("begin, end and strides differ in length");
  const entries = begin.map((_, i) => i);
  const dots = entries.filter((i) => bit("ellipsis_mask", i));
  if (dots.length > 1) throw new InvalidNode("there is more than one ellipsis");
  const own = entries.filter((i) => !bit("new_axis_mask", i) && i !== dots[0]).length;
  const skipped = dots.length === 0 ? 0 : rank - own;
  if (own > rank || skipped < 0) throw new InvalidNode("there are more entries than axes");
  const cuts: Cut[] = [];
  const added: number[] = [];
  let axis = 0;
  let out = 0;
  for (const i of entries) {
    if (i === dots[0]) {
      axis += skipped;
      out += skipped;
    } else if (bit("new_axis_mask", i)) added.push(out++);
    else {
      const taken = bit("shrink_axis_mask", i);
      cuts.push({ axis, taken, ...bounds(i, taken, { begin, end, steps, bit }) });
      axis++;
      if (!taken) out++;
    }
  }
  return { cuts, added };
}

function bounds(
  i: number,
  taken: boolean,
  entry: {
    begin: readonly number[];
    end: readonly Dim[];
    steps: readonly number[];
    bit(mask: string, i: number): boolean;
  },
): { start: number; end: number; step: number } {
  const { begin, end, steps, bit } = entry;
  const step = taken ? 1 : steps[i];
  if (taken) return { start: begin[i], end: begin[i] === -1 ? FAR : begin[i] + 1, step };
  const start = bit("begin_mask", i) ? (step > 0 ? 0 : FAR) : begin[i];
  const to = end[i];
  if (bit("end_mask", i)) return { start, end: step > 0 ? FAR : -FAR, step };
  if (typeof to === "string") throw new Unsupported(`its end depends on the length ${to}`);
  return { start, end: to, step };
}
