import type { Node, Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { blocks, cutting, each, places, present } from "./channels.ts";
import { check, int, length, needFloat, rankFrom, sameDType } from "./check.ts";
import { convTranspose } from "./convTranspose.ts";
import {
  type ChannelRule,
  carry,
  consume,
  join,
  need,
  type Operator,
  operator,
  refuse,
} from "./operator.ts";
import { explicit, reaches, taps, type WindowAttrs, type Windows, windows } from "./pads.ts";
import { reduceSum } from "./reduceSum.ts";
import { reshapeTo } from "./reshape.ts";
import { slice } from "./slice.ts";
import { transpose } from "./transpose.ts";

export type ConvAttrs = Omit<WindowAttrs, "ceil_mode"> & { readonly group?: number };

/** Inputs: X [N, C, …], W [M, C/group, …], B [M]. */
export const conv: Operator<ConvAttrs> = operator<ConvAttrs>({
  type: "Conv",
  infer(inputs, attrs) {
    const [x, w, b] = [need(inputs, 0, "Conv"), need(inputs, 1, "Conv"), inputs[2]];
    const rank = rankFrom(x, 3, "Conv: X");
    needFloat(x, "Conv");
    sameDType(x, w, "Conv");
    sameDType(x, b, "Conv");
    check(w.shape.length === rank, `Conv: W has rank ${w.shape.length}, X has rank ${rank}`);
    const [maps, depth] = w.shape.map((d, i) => length(d, `Conv: axis ${i} of W`));
    const group = groupOf(attrs, "Conv");
    const channels = length(x.shape[1], "Conv: channel axis");
    check(
      channels === depth * group,
      `Conv: X has ${channels} channels, W takes ${depth} × group ${group}`,
    );
    check(maps % group === 0, `Conv: ${maps} feature maps do not divide into ${group} groups`);
    check(
      b === undefined || (b.shape.length === 1 && b.shape[0] === maps),
      `Conv: B must have ${maps} values`,
    );
    return [{ dtype: x.dtype, shape: [x.shape[0], maps, ...slide(x, w, attrs).output] }];
  },
  evaluate([x, w, b], attrs, [{ dtype, shape }]) {
    const group = groupOf(attrs, "Conv");
    const window = windows(attrs, x!.shape.slice(2), w!.shape.slice(2), "Conv");
    const table = taps(window);
    const [area, positions, elements] = [window.input, window.output, window.kernel].map(size);
    const [, maps] = shape;
    const depth = w!.shape[1];
    const data = new Float64Array(size(shape));
    for (let i = 0; i < data.length; i++) {
      const [n, m, o] = [
        Math.floor(i / (maps * positions)),
        Math.floor(i / positions) % maps,
        i % positions,
      ];
      const first = n * depth * group + Math.floor(m / (maps / group)) * depth;
      let sum = b?.data[m] ?? 0;
      for (let c = 0; c < depth; c++)
        for (let k = 0; k < elements; k++) {
          const at = table[o * elements + k];
          if (at >= 0)
            sum += x!.data[(first + c) * area + at] * w!.data[(m * depth + c) * elements + k];
        }
      data[i] = sum;
    }
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs, attrs }) {
    const [x, w, b] = inputs as readonly [Value, Value, Value | undefined];
    const window = slide(x, w, attrs);
    const group = groupOf(attrs, "Conv");
    const full = reaches(window);
    const output_padding = window.input.map(
      (n, d) => n + window.before[d] + window.after[d] - full[d],
    );
    return [
      convTranspose({ group, ...explicit(window), output_padding }, ct, w),
      weightGradient(x, ct!, window, group),
      b && reduceSum({ axes: spatialAndBatch(x), keepdims: 0 }, ct),
    ];
  },
  channels(node, input, axis) {
    const group = groupOf(node.attrs, "Conv");
    if (input === 0 && axis === 0) return carry(0);
    if (axis >= 2) return refuse("it is a spatial axis of Conv");
    if (group !== 1) return groupedRule(node, input, axis, group);
    if (input === 0) return consume([{ input: 1, axis: 1 }]);
    if (input === 2) return refuse("it is the bias of Conv");
    return axis === 1
      ? consume([{ input: 0, axis: 1 }])
      : cutting(node, [{ input: 2, axis: 0 }], (cuts) => carry(1, cuts));
  },
  fitted: ({ inputs: [x], attrs }, gone) =>
    groupsLeft(groupOf(attrs, "Conv"), x!, gone({ input: 0 }, 1), gone({ input: 1 }, 1)),
  macs: ({ inputs: [, w], outputs: [y] }) => size(known(y.shape)) * size(known(w!.shape).slice(1)),
  examples: [
    { inputs: [[2, 2, 4, 3], [3, 2, 2, 3], [3]], attrs: {}, constants: [1, 2] },
    {
      inputs: [[1, 2, 6, 5], [2, 2, 3, 2], [2]],
      attrs: { strides: [2, 1], pads: [1, 0, 0, 1], dilations: [1, 2] },
      note: "the last row is not reached",
    },
    {
      inputs: [
        [2, 4, 5],
        [6, 2, 2],
      ],
      attrs: { group: 2, strides: [2] },
      note: "1-D, two groups",
    },
    { inputs: [[2, 3, 3, 3], [3, 1, 2, 2], [3]], attrs: { group: 3, auto_pad: "SAME_UPPER" } },
    {
      inputs: [
        [1, 1, 3, 2, 4],
        [2, 1, 2, 2, 2],
      ],
      attrs: { auto_pad: "SAME_LOWER", strides: [1, 2, 3] },
    },
    {
      inputs: [
        [1, 2, 7],
        [2, 2, 2],
      ],
      attrs: { strides: [3], dilations: [2], auto_pad: "VALID" },
    },
  ],
});

/**
 * dW[m, c, k] = Σ_n,o ct[n, m, o] · x[n, c, o·stride + k·dilation]: a convolution again, in which batch
 * and channels change places, and strides and dilations. The groups stay groups.
 */
export function weightGradient(x: Value, ct: Value, window: Windows, group: number): Value {
  const [batch, channels] = known(x.shape);
  const maps = known(ct.shape)[1];
  const depth = channels / group;
  const rest = window.input.map((_, d) => d);
  const data = reshapeTo(
    transpose(
      { perm: [2, 1, 0, ...rest.map((d) => d + 3)] },
      reshapeTo(x, [batch, group, depth, ...window.input]),
    ),
    [depth, group * batch, ...window.input],
  );
  const exchange = { perm: [1, 0, ...rest.map((d) => d + 2)] };
  const { strides, dilations, pads } = explicit(window);
  const found = conv(
    { group, strides: dilations, dilations: strides, pads },
    data,
    transpose(exchange, ct),
  );
  const axes = rest.map((d) => d + 2);
  const fits = window.kernel.every((k, d) => k === found.shape[d + 2]);
  const cropped = fits
    ? found
    : slice({ axes, starts: axes.map(() => 0), ends: window.kernel }, found);
  return reshapeTo(transpose(exchange, cropped), [maps, depth, ...window.kernel]);
}

export const spatialAndBatch = (x: Value): readonly number[] =>
  x.shape.flatMap((_, d) => (d === 1 ? [] : [d]));

export function groupOf(attrs: { readonly group?: number }, type: string): number {
  const group = int(attrs.group, 1, `${type}: group`);
  check(group >= 1, `${type}: group ${group} is not positive`);
  return group;
}

const slide = (x: Value, w: Value, attrs: ConvAttrs): Windows =>
  windows(attrs, x.shape.slice(2), known(w.shape).slice(2), "Conv");

/**
 * Of a grouped convolution whole groups go, with their channels and their feature maps; of few large
 * groups the same places in all of them, channels and maps each by themselves.
 */
export function groupedRule(
  node: Pick<Node, "inputs" | "outputs">,
  input: number,
  axis: number,
  group: number,
  transposed = false,
): ChannelRule {
  const [channels, maps] = [node.inputs[0]!, node.outputs[0]].map(
    (v) => (v.shape[1] as number) / group,
  );
  const ofMaps = input === 2 || (input === 1 && axis === (transposed ? 1 : 0));
  const ends = (c: (i: number) => number, m: (i: number) => number) => ({
    x: { input: 0, axis: 1, label: c },
    y: { output: 0, axis: 1, label: m },
    bias: { input: 2, axis: 0, label: m },
    /** The axis of the weights that counts all channels or maps, and the one within a group. */
    all: { input: 1, axis: 0, label: transposed ? c : m },
    within: { input: 1, axis: 1, label: each },
  });
  if (channels <= group) {
    const { x, y, bias, all } = ends(blocks(channels), blocks(maps));
    if (input === 1 && axis === 1)
      return refuse(`it is within the groups of a convolution (group ${group})`);
    return join(present(node, [x, y, all, bias]));
  }
  const { x: data, y, bias, all, within } = ends(places(channels), places(maps));
  const [sums, makes] = transposed ? [all, within] : [within, all];
  if (ofMaps) return join(present(node, [y, bias, makes]));
  return join([
    { ...data, summed: true },
    { ...sums, summed: true },
  ]);
}

/** `group` after channels are gone: as many as before where the groups have become smaller instead. */
export function groupsLeft(
  group: number,
  x: Value,
  gone: readonly number[],
  within: readonly number[],
): { readonly group?: number } {
  if (gone.length === 0 || within.length > 0 || group === 1) return {};
  return { group: group - gone.length / ((x.shape[1] as number) / group) };
}
