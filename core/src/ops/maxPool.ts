import type { Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { check, int, rankFrom } from "./check.ts";
import { filled } from "./literal.ts";
import { mul } from "./mul.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { taps, tiles, type WindowAttrs, type Windows, windows } from "./pads.ts";
import { reshapeTo } from "./reshape.ts";
import { spread } from "./resize.ts";
import { scatterElements } from "./scatterElements.ts";

export type MaxPoolAttrs = WindowAttrs & { readonly storage_order?: number };

/**
 * Outputs: the maxima, and where in the flattened input they stand. The first maximum of a window wins,
 * as in PyTorch and ONNX Runtime.
 */
export const maxPool: Operator<MaxPoolAttrs> = operator<MaxPoolAttrs>({
  type: "MaxPool",
  infer(inputs, attrs) {
    const x = need(inputs, 0, "MaxPool");
    rankFrom(x, 3, "MaxPool: X");
    int(attrs.storage_order, 0, "MaxPool: storage_order");
    const window = poolWindows(x.shape.slice(2), attrs, "MaxPool");
    const shape = [x.shape[0], x.shape[1], ...window.output];
    return [
      { dtype: x.dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  evaluate([x], attrs, [{ dtype, shape }]) {
    const window = poolWindows(x!.shape.slice(2), attrs, "MaxPool");
    const table = taps(window);
    const [area, positions, elements] = [window.input, window.output, window.kernel].map(size);
    const order = attrs.storage_order === 1 ? columnMajor(window.input) : (at: number) => at;
    const maxima = new Float64Array(size(shape)).fill(-Infinity);
    const indices = new Float64Array(maxima.length);
    for (let i = 0; i < maxima.length; i++) {
      const plane = Math.floor(i / positions) * area;
      for (let k = 0; k < elements; k++) {
        const at = table[(i % positions) * elements + k];
        if (at < 0 || x!.data[plane + at] <= maxima[i]) continue;
        maxima[i] = x!.data[plane + at];
        indices[i] = plane + order(at);
      }
    }
    return [
      { dtype, shape, data: maxima },
      { dtype: "int64", shape, data: indices },
    ];
  },
  /** The cotangent goes back to where each maximum stood. */
  gradient([ct], { inputs: [x], attrs, outputs }) {
    if (ct === undefined) return [undefined];
    const shape = known(x!.shape);
    const rowMajor = (attrs.storage_order ?? 0) === 0;
    const [, indices] = rowMajor
      ? outputs
      : maxPool.node({ ...attrs, storage_order: 0 }, [x]).outputs;
    const count = [size(known(ct.shape))];
    const scatter = (updates: Value, reduction: "none" | "add") =>
      reshapeTo(
        scatterElements(
          { axis: 0, reduction },
          filled(ct, [size(shape)], 0),
          reshapeTo(indices, count),
          updates,
        ),
        shape,
      );
    const window = poolWindows(shape.slice(2), attrs, "MaxPool");
    if (!tiles(window)) return [scatter(reshapeTo(ct, count), "add")];
    const mask = scatter(filled(ct, count, 1), "none");
    return [mul({}, mask, spread(ct, [1, 1, ...window.kernel], shape))];
  },
  channels: (_node, _input, axis) =>
    axis < 2 ? carry(axis) : refuse("it is a spatial axis of MaxPool"),
  examples: [
    { inputs: [[2, 2, 4, 6]], attrs: { kernel_shape: [2, 3], strides: [2, 3] } },
    {
      inputs: [[1, 2, 5, 5]],
      attrs: { kernel_shape: [2, 2], strides: [2, 2] },
      note: "a rest is left",
    },
    { inputs: [[1, 2, 5]], attrs: { kernel_shape: [2], strides: [2], ceil_mode: 1 } },
    {
      inputs: [[1, 2, 5, 4]],
      attrs: { kernel_shape: [3, 2], pads: [1, 0, 1, 1] },
      note: "overlapping",
    },
    { inputs: [[1, 1, 7]], attrs: { kernel_shape: [2], dilations: [2], strides: [2] } },
    {
      inputs: [[1, 1, 3, 4]],
      attrs: { kernel_shape: [2, 2], auto_pad: "SAME_UPPER", storage_order: 1 },
    },
  ],
});

/** Windows of a pool: each holds at least one element of its input. */
export function poolWindows(spatial: Value["shape"], attrs: WindowAttrs, type: string): Windows {
  const window = windows(attrs, spatial, attrs.kernel_shape, type);
  const { kernel, before, after } = window;
  check(
    kernel.every((k, d) => before[d] < k && after[d] < k),
    `${type}: the padding must be smaller than the kernel`,
  );
  check(
    kernel.every((_, d) => before[d] === 0 || window.dilations[d] <= window.input[d]),
    `${type}: the dilation is longer than the axis, so a window can miss it`,
  );
  return window;
}

/** Flat offsets counted with the first spatial axis fastest. */
function columnMajor(shape: readonly number[]): (at: number) => number {
  return (at) => {
    let rest = at;
    let result = 0;
    for (let d = shape.length - 1; d >= 0; d--) {
      result += (rest % shape[d]) * size(shape.slice(0, d));
      rest = Math.floor(rest / shape[d]);
    }
    return result;
  };
}
