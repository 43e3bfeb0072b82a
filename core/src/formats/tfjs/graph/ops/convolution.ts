import type { Value } from "../../../../ir/graph.ts";
import { known, type Shape } from "../../../../ir/tensor.ts";
import { InvalidNode } from "../../../../ops/operator.ts";
import { type Call, type Converter, Unsupported } from "../call.ts";
import { activated } from "../fused.ts";
import { type Blocks, channelsFirst, type Held, heldAxis, identity, rankOf } from "../held.ts";
import { isChannelsLast, listed, padding, sameStride } from "../windows.ts";

/** A convolution of maps; `filters` puts TensorFlow's weights into ONNX's order and tells the groups. */
const conv =
  (filters: (call: Call, w: Value, channels: number) => { w: Value; group: number }): Converter =>
  (call) => {
    const last = isChannelsLast(call);
    const x = call.any(0);
    const rank = rankOf(x);
    const order = last ? channelsFirst(rank) : identity(rank);
    const data = last ? call.first(0) : call.reorder(x, order);
    const channels = data.shape[1];
    if (typeof channels !== "number") throw new InvalidNode("the number of channels is not known");
    const { w, group } = filters(call, call.plain(1), channels);
    const kernel = known(w.shape).slice(2);
    const strides = listed(call, "strides", rank, last);
    const own = listed(call, "dilations", rank, last);
    const blocks = x.blocks;
    const dilations = own.map((d, i) => d * (blockAt(blocks, order, i)?.size ?? 1));
    const inBlocks = blocks?.some((b) => b !== undefined) ?? false;
    if (inBlocks && (!sameStride(strides, 1) || blocks![order[0]] || blocks![order[1]]))
      throw new Unsupported("SpaceToBatchND around a strided convolution is not supported");
    const pads = inBlocks
      ? blockPads(call, data.shape, kernel, { strides, dilations, own, blocks: blocks!, order })
      : padding(call, data.shape.slice(2), { kernel, strides, dilations }, last);
    const attrs = {
      ...(group === 1 ? {} : { group }),
      kernel_shape: kernel,
      strides,
      dilations,
      pads,
    };
    const [bias, ...slope] = call.inputs.slice(2).map((_, i) => call.plain(i + 2));
    const fused = call.attributes.texts("fused_ops");
    const biased = fused[0] === "BiasAdd" ? bias : undefined;
    const y = call.apply("Conv", attrs, data, w, biased);
    const result: Held = {
      kind: "tensor",
      value: y,
      order,
      blocks: inBlocks ? blocks!.map((b) => b && { size: b.size, before: 0, after: 0 }) : undefined,
    };
    return activated(call, result, fused, biased === undefined ? bias : slope[0]);
  };

const blockAt = (blocks: Blocks | undefined, order: readonly number[], spatial: number) =>
  blocks?.[order[spatial + 2]];

/** Each block is padded by itself; together that is padding block by block, after what cutting added. */
function blockPads(
  call: Call,
  shape: Shape,
  kernel: readonly number[],
  windows: {
    strides: readonly number[];
    dilations: readonly number[];
    own: readonly number[];
    blocks: Blocks;
    order: readonly number[];
  },
): readonly number[] {
  const { strides, own, blocks, order } = windows;
  const at = kernel.map((_, i) => blockAt(blocks, order, i) ?? { size: 1, before: 0, after: 0 });
  const inner = known(shape.slice(2)).map((n, i) => (n + at[i].before + at[i].after) / at[i].size);
  if (!inner.every(Number.isInteger)) throw new InvalidNode("the blocks do not divide the axis");
  const pads = padding(call, inner, { kernel, strides, dilations: own }, true);
  return [
    ...at.map((b, i) => b.before + pads[i] * b.size),
    ...at.map((b, i) => b.after + pads[kernel.length + i] * b.size),
  ];
}

/** [height, width, in, out] → [out, in, height, width] */
const full = (call: Call, w: Value, channels: number) => {
  const rank = w.shape.length;
  const spatial = identity(rank - 2);
  const depth = w.shape[rank - 2];
  const group = typeof depth === "number" && depth > 0 ? channels / depth : 1;
  return { w: call.moving("Transpose", { perm: [rank - 1, rank - 2, ...spatial] }, w), group };
};

/** [height, width, in, multiplier] → [in·multiplier, 1, height, width] */
const depthwise = (call: Call, w: Value, channels: number) => {
  if (w.shape.length !== 4) throw new InvalidNode("the filter must have rank 4");
  const turned = call.moving("Transpose", { perm: [2, 3, 0, 1] }, w);
  const [inputs, multiplier, ...kernel] = known(turned.shape);
  if (inputs !== channels)
    throw new InvalidNode(`the filter is for ${inputs} channels, not ${channels}`);
  return { w: call.reshape(turned, [inputs * multiplier, 1, ...kernel]), group: channels };
};

/** The gradient of a convolution, which is a transposed convolution: lengths, filter, data. */
const transposed: Converter = (call) => {
  const last = isChannelsLast(call);
  const x = call.tensor(2);
  const rank = rankOf(x);
  const order = last ? channelsFirst(rank) : identity(rank);
  const data = call.reorder(x, order);
  const w = call.plain(1);
  // [height, width, out, in] → [in, out, height, width]
  const turned = call.moving("Transpose", { perm: [rank - 1, rank - 2, ...identity(rank - 2)] }, w);
  const kernel = known(turned.shape).slice(2);
  const strides = listed(call, "strides", rank, last);
  const dilations = listed(call, "dilations", rank, last);
  const wanted = call.sizes(0).map((s) => s.dim);
  if (wanted.length !== rank)
    throw new InvalidNode("the lengths of the result do not fit its rank");
  const output = order.slice(2).map((axis) => wanted[axis]);
  if (!output.every((n) => typeof n === "number"))
    throw new InvalidNode("the lengths of the result are not known");
  const lengths = output as readonly number[];
  const pads = padding(call, lengths, { kernel, strides, dilations }, last);
  const reach = kernel.map((k, i) => dilations[i] * (k - 1) + 1);
  const extra = lengths.map((n, i) => {
    const all = strides[i] * (Number(data.shape[i + 2]) - 1) + reach[i];
    return n - (all - pads[i] - pads[kernel.length + i]);
  });
  const y = call.apply(
    "ConvTranspose",
    { kernel_shape: kernel, strides, dilations, pads, output_padding: extra },
    data,
    turned,
  );
  return { kind: "tensor", value: y, order };
};

export const convolution: Readonly<Record<string, Converter>> = {
  Conv1D: conv(full),
  Conv2D: conv(full),
  Conv3D: conv(full),
  _FusedConv2D: conv(full),
  DepthwiseConv2d: conv(depthwise),
  DepthwiseConv2dNative: conv(depthwise),
  FusedDepthwiseConv2dNative: conv(depthwise),
  Conv2DBackpropInput: transposed,
  Conv2dTranspose: transposed,
  SpaceToBatchND: toBatch,
  BatchToSpaceND: fromBatch,
};

function toBatch(call: Call): Held {
  const x = call.tensor(0);
  const sizes = call.numbers(1);
  const margins = call.numbers(2);
  const blocks = x.order.map((_, axis) =>
    axis === 0 || axis > sizes.length
      ? undefined
      : {
          size: sizes[axis - 1],
          before: margins[2 * (axis - 1)],
          after: margins[2 * (axis - 1) + 1],
        },
  );
  if (sizes.length >= rankOf(x) || margins.length !== 2 * sizes.length)
    throw new InvalidNode("block_shape and paddings do not fit the input");
  if (sizes.some((s) => s < 1) || margins.some((m) => m < 0))
    throw new InvalidNode("block_shape and paddings must not be negative");
  return { ...x, blocks };
}

function fromBatch(call: Call): Held {
  const { blocks, ...x } = call.any(0);
  const sizes = call.numbers(1);
  const crops = call.numbers(2);
  const fits = x.order.every((_, axis) =>
    axis === 0 || axis > sizes.length
      ? blocks?.[axis] === undefined
      : blocks?.[axis]?.size === sizes[axis - 1] &&
        blocks[axis].before === 0 &&
        blocks[axis].after === 0,
  );
  if (!fits)
    throw new Unsupported("BatchToSpaceND is read only after SpaceToBatchND and a convolution");
  const cut = sizes.map((_, i) => i).filter((i) => crops[2 * i] > 0 || crops[2 * i + 1] > 0);
  if (cut.length === 0) return x;
  const axes = cut.map((i) => heldAxis(x, i + 1));
  const value = call.apply(
    "Slice",
    {},
    x.value,
    call.integers(cut.map((i) => crops[2 * i])),
    call.integers(cut.map((i, k) => Number(x.value.shape[axes[k]]) - crops[2 * i + 1])),
    call.integers(axes),
  );
  return { ...x, value };
}
