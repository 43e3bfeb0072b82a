import type { Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { axisOf, check, int, needFloat } from "./check.ts";
import { div } from "./div.ts";
import { equal } from "./equal.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { reduceL1 } from "./reduceL1.ts";
import { reduceL2 } from "./reduceL2.ts";
import { reduceSum } from "./reduceSum.ts";
import { sign } from "./sign.ts";
import { sub } from "./sub.ts";
import { where } from "./where.ts";

type LpNormalizationAttrs = { readonly axis?: number; readonly p?: number };

const type = "LpNormalization";

/** x over its norm along the axis; 0, with derivative 0, where that is 0. */
export const lpNormalization: Operator<LpNormalizationAttrs> = operator<LpNormalizationAttrs>({
  type,
  infer(inputs, attrs) {
    const x = need(inputs, 0, type);
    needFloat(x, type);
    settings(attrs, x.shape.length);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const { axis, p } = settings(attrs, shape.length);
    const n = shape[axis];
    const inner = size(shape.slice(axis + 1));
    const data = new Float64Array(x!.data.length);
    for (let i = 0; i < data.length; i++) {
      if (Math.floor(i / inner) % n !== 0) continue;
      let sum = 0;
      for (let k = 0; k < n; k++) sum += Math.abs(x!.data[i + k * inner]) ** p;
      const norm = sum ** (1 / p);
      if (norm === 0) continue;
      for (let k = 0; k < n; k++) data[i + k * inner] = x!.data[i + k * inner] / norm;
    }
    return [{ dtype, shape, data }];
  },
  /** (ct − s·Σ ct·y)/norm, where s is the slope of the norm: y for p = 2, the sign of x for p = 1. */
  gradient([ct], { inputs, outputs: [y], attrs }) {
    const x = inputs[0] as Value;
    const { axis, p } = settings(attrs, known(x.shape).length);
    const norm = (p === 1 ? reduceL1 : reduceL2)({ axes: [axis] }, x);
    const none = equal({}, norm, literal(x, 0));
    const divisor = where({}, none, literal(x, 1), norm);
    const rate = where({}, none, literal(x, 0), div({}, literal(x, 1), divisor));
    const sum = reduceSum({ axes: [axis] }, mul({}, ct, y));
    const slope = p === 1 ? sign({}, x) : y;
    return [mul({}, sub({}, ct, mul({}, slope, sum)), rate)];
  },
  channels: ({ outputs: [y], attrs }, _input, axis) =>
    axis === settings(attrs, y.shape.length).axis
      ? refuse(`${type} normalises over the units`)
      : carry(axis),
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3, 2]], attrs: { axis: 1, p: 1 } },
  ],
});

function settings(attrs: LpNormalizationAttrs, rank: number) {
  const p = int(attrs.p, 2, `${type}: p`);
  check(p === 1 || p === 2, `${type}: p is ${p}, must be 1 or 2`);
  return { axis: axisOf(attrs.axis ?? -1, rank, `${type}: axis`), p };
}
