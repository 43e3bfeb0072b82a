import type { Value } from "../ir/graph.ts";
import { type Data, known, size } from "../ir/tensor.ts";
import { add } from "./add.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { reciprocal } from "./reciprocal.ts";
import { reduceMean } from "./reduceMean.ts";
import { reduceSum } from "./reduceSum.ts";
import { sqrt } from "./sqrt.ts";
import { sub } from "./sub.ts";

/** Numbers that are shifted and scaled to mean 0 and variance 1 along some axes. */
export interface Normal {
  /** (x − mean)·rate */
  readonly normal: Value;
  /** 1/√(variance + epsilon), of length 1 along the axes. */
  readonly rate: Value;
  readonly axes: readonly number[];
}

export function normalise(x: Value, axes: readonly number[], epsilon: number): Normal {
  const centred = sub({}, x, reduceMean({ axes }, x));
  const variance = reduceMean({ axes }, mul({}, centred, centred));
  const rate = reciprocal({}, sqrt({}, add({}, variance, literal(x, epsilon))));
  return { normal: mul({}, centred, rate), rate, axes };
}

/**
 * From the cotangent of the normal numbers to that of x: with the mean m over the axes,
 * rate·(ct − m(ct) − normal·m(ct·normal)). Ioffe & Szegedy 2015, section 3.
 */
export function throughNormal(ct: Value, { normal, rate, axes }: Normal): Value {
  const share = literal(ct, 1 / size(axes.map((a) => known(ct.shape)[a])));
  const mean = (v: Value) => mul({}, reduceSum({ axes }, v), share);
  const along = mul({}, normal, mean(mul({}, ct, normal)));
  return mul({}, rate, sub({}, ct, add({}, along, mean(ct))));
}

/** The same in numbers, for rows of `length` that follow one another. */
export function normalRows(data: Data, length: number, epsilon: number) {
  const normal = new Float64Array(data.length);
  const means = new Float64Array(length === 0 ? 0 : data.length / length);
  const rates = new Float64Array(means.length);
  for (let row = 0; row < means.length; row++) {
    const own = data.subarray(row * length, (row + 1) * length);
    let sum = 0;
    for (const v of own) sum += v;
    const mean = sum / length;
    let squares = 0;
    for (const v of own) squares += (v - mean) ** 2;
    const rate = 1 / Math.sqrt(squares / length + epsilon);
    for (let i = 0; i < length; i++) normal[row * length + i] = (own[i] - mean) * rate;
    means[row] = mean;
    rates[row] = rate;
  }
  return { normal, means, rates };
}
