import type { Value } from "../ir/graph.ts";
import { known, size as sizeOf } from "../ir/tensor.ts";
import { add } from "./add.ts";
import { averagePool } from "./averagePool.ts";
import { check, int, needFloat, rankFrom, real } from "./check.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { pow } from "./pow.ts";
import { reshapeTo } from "./reshape.ts";
import { sub } from "./sub.ts";

type LrnAttrs = {
  /** How many channels share a sum. */
  readonly size: number;
  readonly alpha?: number;
  readonly beta?: number;
  readonly bias?: number;
};

/** Krizhevsky et al. 2012, section 3.3: y = x·s^−β with s = bias + α/size·Σ x² over neighbouring channels. */
export const lrn: Operator<LrnAttrs> = operator<LrnAttrs>({
  type: "LRN",
  floatAttrs: ["alpha", "beta", "bias"],
  infer(inputs, attrs) {
    const x = need(inputs, 0, "LRN");
    needFloat(x, "LRN");
    rankFrom(x, 3, "LRN: X");
    settings(attrs);
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const { size, alpha, beta, bias, before, after } = settings(attrs);
    const channels = shape[1];
    const area = sizeOf(shape.slice(2));
    const data = Float64Array.from(x!.data, (v, i) => {
      const c = Math.floor(i / area) % channels;
      let sum = 0;
      for (let k = Math.max(0, c - before); k <= Math.min(channels - 1, c + after); k++)
        sum += x!.data[i + (k - c) * area] ** 2;
      return v * (bias + (alpha / size) * sum) ** -beta;
    });
    return [{ dtype, shape, data }];
  },
  /** With r = s^−β and W the mean over the window: ct·r − 2αβ·x·Wᵀ(ct·x·r/s). */
  gradient([ct], { inputs, attrs }) {
    const x = inputs[0] as Value;
    const { alpha, beta, bias, before, after, size } = settings(attrs);
    const square = mul({}, x, x);
    const number = (value: number) => literal(x, value);
    const sums = overChannels(square, size, before, after);
    const s = add({}, mul({}, sums, number(alpha)), number(bias));
    const spread = overChannels(
      mul({}, ct, mul({}, x, pow({}, s, number(-beta - 1)))),
      size,
      after,
      before,
    );
    const steep = mul({}, x, number(2 * alpha * beta));
    return [sub({}, mul({}, ct, pow({}, s, number(-beta))), mul({}, steep, spread))];
  },
  channels: (_node, _input, axis) =>
    axis === 1 ? refuse("LRN normalises over neighbouring units") : carry(axis),
  examples: [
    { inputs: [[2, 5, 2, 2]], attrs: { size: 3, alpha: 0.5, beta: 0.75, bias: 2 } },
    { inputs: [[1, 3, 2, 2]], attrs: { size: 5 }, note: "a window wider than the channels" },
    { inputs: [[1, 3, 1, 2]], attrs: { size: 1, alpha: 0.5 }, note: "each channel by itself" },
  ],
});

/** Σ over `before` channels in front, the channel itself and `after` behind it, divided by their number. */
function overChannels(v: Value, size: number, before: number, after: number): Value {
  const shape = known(v.shape);
  const planes = reshapeTo(v, [shape[0], 1, shape[1], sizeOf(shape.slice(2))]);
  const pads = [before, 0, after, 0];
  return reshapeTo(
    averagePool({ kernel_shape: [size, 1], pads, count_include_pad: 1 }, planes),
    shape,
  );
}

function settings(attrs: LrnAttrs) {
  const size = int(attrs.size, 0, "LRN: size");
  check(size >= 1, `LRN: size ${size} is not positive`);
  const before = Math.floor((size - 1) / 2);
  return {
    size,
    before,
    after: size - 1 - before,
    alpha: real(attrs.alpha, 1e-4, "LRN: alpha"),
    beta: real(attrs.beta, 0.75, "LRN: beta"),
    bias: real(attrs.bias, 1, "LRN: bias"),
  };
}
