import { constant, type Value } from "../ir/graph.ts";
import { float32, known, size } from "../ir/tensor.ts";
import { cast } from "./cast.ts";
import { flag, needFloat, rankFrom } from "./check.ts";
import { convTranspose } from "./convTranspose.ts";
import { div } from "./div.ts";
import { filled, literal } from "./literal.ts";
import { poolWindows } from "./maxPool.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { explicit, reaches, taps, tiles, type WindowAttrs, type Windows } from "./pads.ts";
import { reshapeTo } from "./reshape.ts";
import { spread } from "./resize.ts";

type AveragePoolAttrs = WindowAttrs & { readonly count_include_pad?: number };

export const averagePool: Operator<AveragePoolAttrs> = operator<AveragePoolAttrs>({
  type: "AveragePool",
  infer(inputs, attrs) {
    const x = need(inputs, 0, "AveragePool");
    needFloat(x, "AveragePool");
    rankFrom(x, 3, "AveragePool: X");
    countsPadding(attrs);
    const window = poolWindows(x.shape.slice(2), attrs, "AveragePool");
    return [{ dtype: x.dtype, shape: [x.shape[0], x.shape[1], ...window.output] }];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const window = poolWindows(x!.shape.slice(2), attrs, "AveragePool");
    const table = taps(window);
    const count = counts(window, countsPadding(attrs));
    const [area, positions, elements] = [window.input, window.output, window.kernel].map(size);
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      const plane = Math.floor(i / positions) * area;
      const o = i % positions;
      let sum = 0;
      for (let k = 0; k < elements; k++) {
        const at = table[o * elements + k];
        if (at >= 0) sum += x!.data[plane + at];
      }
      return sum / count[o];
    });
    return [{ dtype, shape, data }];
  },
  /** Each element gets the sum, over the windows that hold it, of cotangent / count. */
  gradient([ct], { inputs: [x], attrs }) {
    const shape = known(x!.shape);
    const window = poolWindows(shape.slice(2), attrs, "AveragePool");
    const count = counts(window, countsPadding(attrs));
    const divisor = count.every((n) => n === count[0])
      ? literal(ct!, count[0])
      : cast({ to: ct!.dtype }, constant(float32(window.output, count)));
    const share = div({}, ct, divisor);
    return [toElements(share, window, shape)];
  },
  channels: (_node, _input, axis) =>
    axis < 2 ? carry(axis) : refuse("it is a spatial axis of AveragePool"),
  examples: [
    { inputs: [[2, 2, 4, 6]], attrs: { kernel_shape: [2, 3], strides: [2, 3] } },
    { inputs: [[1, 2, 5, 5]], attrs: { kernel_shape: [2, 2], strides: [2, 2] } },
    { inputs: [[1, 2, 5]], attrs: { kernel_shape: [3], strides: [2], pads: [1, 1] } },
    {
      inputs: [[1, 1, 6, 5]],
      attrs: {
        kernel_shape: [3, 2],
        strides: [2, 2],
        pads: [1, 0, 0, 1],
        ceil_mode: 1,
        count_include_pad: 1,
      },
    },
    { inputs: [[1, 1, 7]], attrs: { kernel_shape: [2], dilations: [3], strides: [3] } },
    { inputs: [[1, 1, 3, 4]], attrs: { kernel_shape: [2, 2], auto_pad: "SAME_LOWER" } },
  ],
});

/** For each element of a pool's input the sum over the windows that hold it. */
export function toElements(share: Value, window: Windows, shape: readonly number[]): Value {
  if (tiles(window)) return spread(share, [1, 1, ...window.kernel], shape);
  const planes = reshapeTo(share, [shape[0] * shape[1], 1, ...window.output]);
  const ones = filled(share, [1, 1, ...window.kernel], 1);
  const rest = reaches(window).map((end, d) => end - window.before[d] - window.input[d]);
  const { strides, dilations } = explicit(window);
  const back = convTranspose(
    {
      strides,
      dilations,
      pads: [...window.before, ...rest.map((n) => Math.max(0, n))],
      output_padding: rest.map((n) => Math.max(0, -n)),
    },
    planes,
    ones,
  );
  return reshapeTo(back, shape);
}

const countsPadding = (attrs: AveragePoolAttrs): boolean =>
  flag(attrs.count_include_pad, false, "AveragePool: count_include_pad");

/** By how much the sum of each window is divided; what lies beyond the padding never counts. */
function counts(w: Windows, padding: boolean): Float64Array {
  const along = w.output.map((positions, d) =>
    Array.from({ length: positions }, (_, o) => {
      let count = 0;
      for (let k = 0; k < w.kernel[d]; k++) {
        const i = o * w.strides[d] + k * w.dilations[d] - w.before[d];
        if (padding ? i < w.input[d] + w.after[d] : i >= 0 && i < w.input[d]) count++;
      }
      return count;
    }),
  );
  const grid = along.reduce((all, axis) => all.flatMap((a) => axis.map((b) => a * b)), [1]);
  return Float64Array.from(grid);
}
