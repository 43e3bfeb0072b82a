import { constant, type Value } from "../ir/graph.ts";
import { known, size, strides as stridesOf } from "../ir/tensor.ts";
import { cast } from "./cast.ts";
import { check, int, rankFrom } from "./check.ts";
import { equal } from "./equal.ts";
import { filled, literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { taps, tiles, type WindowAttrs, type Windows, windows } from "./pads.ts";
import { reshapeTo } from "./reshape.ts";
import { spread } from "./resize.ts";
import { scatterElements } from "./scatterElements.ts";
import { where } from "./where.ts";

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
    const window = poolWindows(shape.slice(2), attrs, "MaxPool");
    if (tiles(window)) {
      const spreadOut = (v: Value) => spread(v, [1, 1, ...window.kernel], shape);
      return [mul({}, firstMaxima(x!, outputs[0], attrs, window, spreadOut), spreadOut(ct))];
    }
    const [, indices] = rowMajor
      ? outputs
      : maxPool.node({ ...attrs, storage_order: 0 }, [x]).outputs;
    const count = [size(known(ct.shape))];
    const scattered = scatterElements(
      { axis: 0, reduction: "add" },
      filled(ct, [size(shape)], 0),
      reshapeTo(indices, count),
      reshapeTo(ct, count),
    );
    return [reshapeTo(scattered, shape)];
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

/**
 * 1 at the first maximum of each window, where windows tile the input: runtimes have no fast kernel that
 * tells where a maximum stands. Elements of a window that equal its maximum get their rank, first highest;
 * the first is the one whose rank is the window's maximum.
 */
function firstMaxima(
  x: Value,
  maxima: Value,
  attrs: MaxPoolAttrs,
  { kernel, input }: Windows,
  spreadOut: (v: Value) => Value,
): Value {
  const [inner, outer] = [kernel, input].map(stridesOf);
  const ranks = Float32Array.from({ length: size(input) }, (_, i) =>
    input.reduce(
      (rank, n, d) => rank - ((Math.floor(i / outer[d]) % n) % kernel[d]) * inner[d],
      size(kernel),
    ),
  );
  const rank = constant({ dtype: x.dtype, shape: input, data: ranks });
  const found = where({}, equal({}, x, spreadOut(maxima)), rank, literal(x, 0));
  const [first] = maxPool.node(attrs, [found]).outputs;
  return cast({ to: x.dtype }, equal({}, found, spreadOut(first)));
}

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
