import type { Value } from "../ir/graph.ts";
import { known, size, strides } from "../ir/tensor.ts";
import { abs } from "./abs.ts";
import { add } from "./add.ts";
import { and } from "./and.ts";
import { cast } from "./cast.ts";
import { clip } from "./clip.ts";
import { equal } from "./equal.ts";
import { expand } from "./expand.ts";
import { floor } from "./floor.ts";
import { gatherElements } from "./gatherElements.ts";
import { greaterOrEqual } from "./greaterOrEqual.ts";
import { lessOrEqual } from "./lessOrEqual.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { reshapeTo } from "./reshape.ts";
import { round } from "./round.ts";
import { slice } from "./slice.ts";
import { sub } from "./sub.ts";
import { where } from "./where.ts";

interface How {
  readonly mode: string;
  readonly padding: string;
  readonly corners: boolean;
}

/** One of the elements that a place reads along an axis. */
interface Tap {
  /** A whole number, as float. */
  readonly index: Value;
  readonly weight: Value | undefined;
}

const times = (x: Value, by: number): Value => mul({}, x, literal(x, by));
const plus = (x: Value, by: number): Value => add({}, x, literal(x, by));

/** X at the places of the grid: for every combination of taps a gather and its weight. */
export function sampled(x: Value, grid: Value, how: How): Value {
  const [batch, channels, ...spatial] = known(x.shape);
  const places = known(grid.shape).slice(1, -1);
  const count = size(places);
  const step = strides(spatial);
  const flat = reshapeTo(x, [batch, channels, size(spatial)]);
  const along = spatial.map((n, d) => {
    const from = spatial.length - 1 - d;
    const g = slice({ axes: [grid.shape.length - 1], starts: [from], ends: [from + 1] }, grid);
    return tapsOf(reshapeTo(g, [batch, 1, count]), n, how);
  });
  const combinations = along.reduce<readonly (readonly Tap[])[]>(
    (all, taps) => all.flatMap((some) => taps.map((tap) => [...some, tap])),
    [[]],
  );
  const parts = combinations.map((taps) => {
    const offset = taps.map((t, d) => times(t.index, step[d])).reduce((a, b) => add({}, a, b));
    const everywhere = expand({ shape: [batch, channels, count] }, cast({ to: "int64" }, offset));
    const values = gatherElements({ axis: 2 }, flat, everywhere);
    return taps.reduce((v, t) => (t.weight === undefined ? v : mul({}, v, t.weight)), values);
  });
  return reshapeTo(
    parts.reduce((a, b) => add({}, a, b)),
    [batch, channels, ...places],
  );
}

function tapsOf(g: Value, n: number, how: How): readonly Tap[] {
  const { mode, corners } = how;
  const raw = corners ? times(plus(g, 1), (n - 1) / 2) : plus(times(plus(g, 1), n / 2), -0.5);
  if (mode === "cubic") {
    const first = floor({}, raw);
    return [-1, 0, 1, 2].map((k) => {
      const index = plus(first, k);
      return tap(inside(index, n, how), keys(abs({}, sub({}, raw, index)), k), n, how);
    });
  }
  const place = inside(raw, n, how);
  if (mode === "nearest") return [tap(round({}, place), undefined, n, how)];
  const first = floor({}, place);
  const rest = sub({}, place, first);
  return [tap(first, sub({}, literal(rest, 1), rest), n, how), tap(plus(first, 1), rest, n, how)];
}

/** What lies outside counts as 0: its weight is 0, and some element stands for it. */
function tap(index: Value, weight: Value | undefined, n: number, { padding }: How): Tap {
  const clamped = clip({}, index, literal(index, 0), literal(index, n - 1));
  if (padding !== "zeros") return { index: clamped, weight };
  const held = and(
    {},
    greaterOrEqual({}, index, literal(index, 0)),
    lessOrEqual({}, index, literal(index, n - 1)),
  );
  const mask = cast({ to: index.dtype }, held);
  return { index: clamped, weight: weight === undefined ? mask : mul({}, weight, mask) };
}

/** Places outside moved to the border, or reflected at it. */
function inside(p: Value, n: number, { padding, corners }: How): Value {
  if (padding === "zeros") return p;
  const clamped = (v: Value) => clip({}, v, literal(v, 0), literal(v, n - 1));
  if (padding === "border") return clamped(p);
  const [low, high] = corners ? [0, n - 1] : [-0.5, n - 0.5];
  const span = high - low;
  if (span === 0) return times(p, 0);
  const distance = abs({}, plus(p, -low));
  const flips = floor({}, times(distance, 1 / span));
  const extra = sub({}, distance, times(flips, span));
  const even = equal({}, flips, times(floor({}, times(flips, 0.5)), 2));
  const back = sub({}, literal(extra, high), extra);
  return clamped(where({}, even, plus(extra, low), back));
}

/** Keys' cubic with a = −0.75 at distance d; the outer taps are between 1 and 2 away. */
function keys(d: Value, tapNumber: number): Value {
  const a = -0.75;
  const outer = tapNumber === -1 || tapNumber === 2;
  const [c3, c2, c1, c0] = outer ? [a, -5 * a, 8 * a, -4 * a] : [a + 2, -(a + 3), 0, 1];
  return plus(mul({}, d, plus(mul({}, d, plus(times(d, c3), c2)), c1)), c0);
}
