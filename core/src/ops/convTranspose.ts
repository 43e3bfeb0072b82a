import type { Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { cutting } from "./channels.ts";
import { check, length, needFloat, rankFrom, sameDType } from "./check.ts";
import { conv, groupedRule, groupOf, groupsLeft, spatialAndBatch, weightGradient } from "./conv.ts";
import { carry, consume, need, type Operator, operator, refuse } from "./operator.ts";
import { explicit, taps, transposedWindows, type WindowAttrs, type Windows } from "./pads.ts";
import { reduceSum } from "./reduceSum.ts";

export type ConvTransposeAttrs = Omit<WindowAttrs, "ceil_mode"> & {
  readonly group?: number;
  readonly output_padding?: readonly number[];
  readonly output_shape?: readonly number[];
};

/** The transpose of Conv as a linear map. Inputs: X [N, C, …], W [C, M/group, …], B [M]. */
export const convTranspose: Operator<ConvTransposeAttrs> = operator<ConvTransposeAttrs>({
  type: "ConvTranspose",
  infer(inputs, attrs) {
    const type = "ConvTranspose";
    const [x, w, b] = [need(inputs, 0, type), need(inputs, 1, type), inputs[2]];
    const rank = rankFrom(x, 3, `${type}: X`);
    needFloat(x, type);
    sameDType(x, w, type);
    sameDType(x, b, type);
    check(w.shape.length === rank, `${type}: W has rank ${w.shape.length}, X has rank ${rank}`);
    const [depth, each] = w.shape.map((d, i) => length(d, `${type}: axis ${i} of W`));
    const group = groupOf(attrs, type);
    const channels = length(x.shape[1], `${type}: channel axis`);
    check(channels === depth, `${type}: X has ${channels} channels, W takes ${depth}`);
    check(
      channels % group === 0,
      `${type}: ${channels} channels do not divide into ${group} groups`,
    );
    const maps = each * group;
    check(
      b === undefined || (b.shape.length === 1 && b.shape[0] === maps),
      `${type}: B must have ${maps} values`,
    );
    return [{ dtype: x.dtype, shape: [x.shape[0], maps, ...slide(x, w, attrs).input] }];
  },
  evaluate([x, w, b], attrs, [{ dtype, shape }]) {
    const group = groupOf(attrs, "ConvTranspose");
    const window = transposedWindows(attrs, x!.shape.slice(2), w!.shape.slice(2));
    const table = taps(window);
    const [area, positions, elements] = [window.input, window.output, window.kernel].map(size);
    const [channels, each] = w!.shape;
    const maps = shape[1];
    const data = new Float64Array(size(shape));
    if (b !== undefined)
      for (let i = 0; i < data.length; i++) data[i] = b.data[Math.floor(i / area) % maps];
    for (let i = 0; i < x!.data.length; i++) {
      const [n, c, o] = [
        Math.floor(i / (channels * positions)),
        Math.floor(i / positions) % channels,
        i % positions,
      ];
      const first = n * maps + Math.floor(c / (channels / group)) * each;
      for (let m = 0; m < each; m++)
        for (let k = 0; k < elements; k++) {
          const at = table[o * elements + k];
          if (at >= 0)
            data[(first + m) * area + at] += x!.data[i] * w!.data[(c * each + m) * elements + k];
        }
    }
    return [{ dtype, shape, data }];
  },
  /** ⟨ct, convTranspose(x; w)⟩ = ⟨conv(ct; w), x⟩, so both gradients are Conv's, with ct as the data. */
  gradient([ct], { inputs, attrs }) {
    const [x, w, b] = inputs as readonly [Value, Value, Value | undefined];
    const window = slide(x, w, attrs);
    const group = groupOf(attrs, "ConvTranspose");
    return [
      conv({ group, ...explicit(window) }, ct, w),
      weightGradient(ct!, x, window, group),
      b && reduceSum({ axes: spatialAndBatch(x), keepdims: 0 }, ct),
    ];
  },
  channels(node, input, axis) {
    const type = "ConvTranspose";
    const group = groupOf(node.attrs, type);
    if (input === 0 && axis === 0) return carry(0);
    if (axis >= 2) return refuse(`it is a spatial axis of ${type}`);
    if (group !== 1) return groupedRule(node, input, axis, group, true);
    if (input === 0) return consume([{ input: 1, axis: 0 }]);
    if (input === 2) return refuse(`it is the bias of ${type}`);
    return axis === 0
      ? consume([{ input: 0, axis: 1 }])
      : cutting(node, [{ input: 2, axis: 0 }], (cuts) => carry(1, cuts));
  },
  fitted({ inputs: [x], attrs }, gone) {
    const group = groupOf(attrs, "ConvTranspose");
    const whole = (x!.shape[1] as number) / group <= group;
    return whole ? groupsLeft(group, x!, gone({ input: 0 }, 1), []) : {};
  },
  macs: ({ inputs: [x, w] }) => size(known(x!.shape)) * size(known(w!.shape).slice(1)),
  examples: [
    { inputs: [[2, 2, 3, 2], [2, 3, 2, 2], [3]], attrs: {}, constants: [1, 2] },
    {
      inputs: [
        [1, 2, 3, 2],
        [2, 2, 3, 2],
      ],
      attrs: { strides: [2, 3], pads: [1, 0, 0, 1], dilations: [1, 2], output_padding: [1, 2] },
    },
    {
      inputs: [
        [2, 4, 3],
        [4, 3, 2],
      ],
      attrs: { group: 2, strides: [2] },
    },
    {
      inputs: [
        [1, 1, 2, 3],
        [1, 1, 3, 3],
      ],
      attrs: { strides: [2, 2], auto_pad: "SAME_UPPER" },
    },
    {
      inputs: [
        [1, 1, 3],
        [1, 1, 3],
      ],
      attrs: { strides: [2], output_shape: [6] },
    },
    {
      inputs: [
        [1, 1, 3],
        [1, 1, 2],
      ],
      attrs: { strides: [3], output_shape: [9] },
      note: "zeros at the end",
    },
  ],
});

/** Stride 1, one group, explicit pads: the gradient of an ordinary convolution, and one itself. */
export const isDense = ({
  strides,
  output_padding,
  output_shape,
  auto_pad = "NOTSET",
  group = 1,
}: ConvTransposeAttrs): boolean =>
  group === 1 &&
  auto_pad === "NOTSET" &&
  output_shape === undefined &&
  (strides?.every((s) => s === 1) ?? true) &&
  (output_padding?.every((p) => p === 0) ?? true);

const slide = (x: Value, w: Value, attrs: ConvTransposeAttrs): Windows =>
  transposedWindows(attrs, x.shape.slice(2), known(w.shape).slice(2));
