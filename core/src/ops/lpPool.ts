import type { Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { abs } from "./abs.ts";
import { toElements } from "./averagePool.ts";
import { check, int, needFloat, rankFrom } from "./check.ts";
import { div } from "./div.ts";
import { equal } from "./equal.ts";
import { literal } from "./literal.ts";
import { poolWindows } from "./maxPool.ts";
import { mul } from "./mul.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { taps, type WindowAttrs } from "./pads.ts";
import { pow } from "./pow.ts";
import { sign } from "./sign.ts";
import { where } from "./where.ts";

type LpPoolAttrs = WindowAttrs & { readonly p?: number };

/** The p-norm of each window: y = (Σ |x|^p)^(1/p). */
export const lpPool: Operator<LpPoolAttrs> = operator<LpPoolAttrs>({
  type: "LpPool",
  infer(inputs, attrs) {
    const x = need(inputs, 0, "LpPool");
    needFloat(x, "LpPool");
    rankFrom(x, 3, "LpPool: X");
    powerOf(attrs, "LpPool");
    const window = poolWindows(x.shape.slice(2), attrs, "LpPool");
    return [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], ...window.output] }];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const window = poolWindows(x!.shape.slice(2), attrs, "LpPool");
    const p = powerOf(attrs, "LpPool");
    const table = taps(window);
    const [area, positions, elements] = [window.input, window.output, window.kernel].map(size);
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      const plane = Math.floor(i / positions) * area;
      let sum = 0;
      for (let k = 0; k < elements; k++) {
        const at = table[(i % positions) * elements + k];
        if (at >= 0) sum += Math.abs(x!.data[plane + at]) ** p;
      }
      return sum ** (1 / p);
    });
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs: [x], outputs: [y], attrs }) {
    const shape = known(x!.shape);
    const window = poolWindows(shape.slice(2), attrs, "LpPool");
    const { outer, inner } = normSlope(x!, y, powerOf(attrs, "LpPool"));
    return [mul({}, inner, toElements(outer(ct!), window, shape))];
  },
  channels: (_node, _input, axis) =>
    axis < 2 ? carry(axis) : refuse("it is a spatial axis of LpPool"),
  examples: [
    { inputs: [[2, 2, 4, 6]], attrs: { kernel_shape: [2, 3], strides: [2, 3] } },
    { inputs: [[1, 2, 5]], attrs: { kernel_shape: [3], strides: [2], pads: [1, 1], p: 3 } },
    { inputs: [[1, 1, 3, 4]], attrs: { kernel_shape: [2, 2], auto_pad: "SAME_UPPER", p: 1 } },
  ],
});

/**
 * The derivative of a p-norm, x·|x|^(p − 2)/y^(p − 1), in two factors: `outer` divides a cotangent by the
 * one that y has; 0 where y is 0, since x is 0 there.
 */
export function normSlope(x: Value, y: Value, p: number) {
  if (p === 1) return { inner: sign({}, x), outer: (ct: Value) => ct };
  const power = (v: Value) => (p === 2 ? v : pow({}, v, literal(v, p - 1)));
  const inner = p === 2 ? x : mul({}, sign({}, x), power(abs({}, x)));
  const safe = where({}, equal({}, y, literal(y, 0)), literal(y, 1), y);
  return { inner, outer: (ct: Value) => div({}, ct, power(safe)) };
}

export function powerOf({ p }: { readonly p?: number }, type: string): number {
  const power = int(p, 2, `${type}: p`);
  check(power >= 1, `${type}: p is ${power}, must be at least 1`);
  return power;
}
