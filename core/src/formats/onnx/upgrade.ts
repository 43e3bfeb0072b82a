import { constant, constantOf, type Value } from "../../ir/graph.ts";
import { int64, isFloat } from "../../ir/tensor.ts";
import { codeOfDType } from "../../ops/cast.ts";
import { literal } from "../../ops/literal.ts";
import { type Attrs, InvalidNode, need } from "../../ops/operator.ts";
import { asymmetric, expansions } from "./expansions.ts";

/** A node of the file, in the opset of the file. */
export interface Call {
  readonly type: string;
  readonly opset: number;
  readonly attrs: Attrs;
  readonly inputs: readonly (Value | undefined)[];
  /** How many outputs the node has in the file. */
  readonly outputs: number;
  /** Applies an operator of the canonical opset, 21. */
  apply(type: string, attrs: Attrs, ...inputs: (Value | undefined)[]): readonly Value[];
}

export type Upgrade = (call: Call) => readonly Value[];

/** The node's outputs, by operators of the canonical opset. Throws InvalidNode where there are none. */
export function upgrade(call: Call): readonly Value[] {
  for (const table of [upgrades, expansions])
    if (Object.hasOwn(table, call.type)) return table[call.type](call);
  return same(call);
}

const same: Upgrade = ({ type, attrs, inputs, apply }) => apply(type, attrs, ...inputs);

/** Operators whose form or meaning changed since opset 7, by the opset that changed them. */
const upgrades: Readonly<Record<string, Upgrade>> = {
  BatchNormalization: batchNormalization,
  Clip: clip,
  DepthToSpace: depthToSpace,
  Dropout: dropout,
  GRU: batchwise,
  GroupNormalization: groupNormalization,
  Hardmax: softmax,
  GridSample: gridSample,
  LSTM: batchwise,
  LogSoftmax: softmax,
  OneHot: oneHot,
  Pad: pad,
  RNN: batchwise,
  ReduceL1: axesInput(18),
  ReduceL2: axesInput(18),
  ReduceLogSum: axesInput(18),
  ReduceLogSumExp: axesInput(18),
  ReduceMax: axesInput(18),
  ReduceMean: axesInput(18),
  ReduceMin: axesInput(18),
  ReduceProd: axesInput(18),
  ReduceSum: axesInput(13),
  ReduceSumSquare: axesInput(18),
  Resize: resize,
  Slice: listInputs(10, ["starts", "ends", "axes"]),
  Softmax: softmax,
  Split: split,
  Squeeze: axesInput(13),
  TopK: topK,
  Unsqueeze: axesInput(13),
};

/** 9 drops `spatial`; 14 has `training_mode` where more outputs meant training before. */
function batchNormalization({
  type,
  opset,
  attrs,
  inputs,
  outputs,
  apply,
}: Call): readonly Value[] {
  const { spatial = 1, training_mode: training = 0, ...kept } = attrs;
  if (opset < 9 && spatial !== 1)
    throw new InvalidNode(
      "BatchNormalization with spatial = 0 is not supported: export with opset 9 or later",
    );
  if (training !== 0 || (opset < 14 && outputs > 1))
    throw new InvalidNode(
      "BatchNormalization is in training mode: export the model in evaluation mode",
    );
  return apply(type, kept, ...inputs);
}

/** 11 makes inputs of the attributes `min` and `max`. */
function clip({ type, opset, attrs, inputs, apply }: Call): readonly Value[] {
  if (opset >= 11) return apply(type, attrs, ...inputs);
  const x = need(inputs, 0, type);
  const bound = (value: unknown) => (typeof value === "number" ? literal(x, value) : undefined);
  return apply(type, {}, x, bound(attrs.min), bound(attrs.max));
}

/** 12 makes an input of the attribute `ratio`. */
function dropout({ type, opset, attrs, inputs, apply }: Call): readonly Value[] {
  const { ratio, ...kept } = attrs;
  if (opset >= 12 || typeof ratio !== "number") return apply(type, attrs, ...inputs);
  return apply(type, kept, inputs[0], literal({ dtype: "float32" }, ratio));
}

/** 21 has scale and bias for each channel; before, they were for each group. */
function groupNormalization({ type, opset, attrs, inputs, apply }: Call): readonly Value[] {
  if (opset >= 21) return apply(type, attrs, ...inputs);
  const [x, scale, bias] = [0, 1, 2].map((i) => need(inputs, i, type));
  const channels = x.shape[1];
  const groups = attrs.num_groups;
  if (typeof channels !== "number" || typeof groups !== "number" || channels % groups !== 0)
    throw new InvalidNode(`${type}: ${channels} channels do not divide into ${groups} groups`);
  const shape = (...lengths: number[]) => constant(int64([lengths.length], lengths));
  const repeated = (v: Value) => {
    const [column] = apply("Reshape", {}, v, shape(groups, 1));
    const [rows] = apply("Expand", {}, column, shape(groups, channels / groups));
    return apply("Reshape", {}, rows, shape(channels))[0];
  };
  return apply(type, attrs, x, repeated(scale), repeated(bias));
}

/**
 * 13 gives the axis its meaning and −1 as default. Before, the input is seen as a matrix: the axes before
 * `axis` (default 1) are its rows, and the softmax goes over all the others together.
 */
function softmax({ type, opset, attrs, inputs, apply }: Call): readonly Value[] {
  if (opset >= 13) return apply(type, attrs, ...inputs);
  const x = need(inputs, 0, type);
  const rank = x.shape.length;
  const given = typeof attrs.axis === "number" ? attrs.axis : 1;
  const axis = given < 0 ? given + rank : given;
  if (!(axis >= 0 && axis < Math.max(rank, 1)) || !isFloat(x.dtype))
    throw new InvalidNode(`${type}: axis ${given} does not fit ${x.dtype}[${x.shape.join(", ")}]`);
  if (x.shape.slice(axis + 1).every((d) => d === 1)) return apply(type, { axis }, x);
  const [flat] = apply("Flatten", { axis }, x);
  const [y] = apply(type, { axis: 1 }, flat);
  // 0 copies the first length, which is the rows' own where the batch alone makes them.
  const target = x.shape.map((d, i) =>
    i === 0 && axis === 1 ? 0 : typeof d === "number" ? d : -1,
  );
  return apply("Reshape", {}, y, constant(int64([rank], target)));
}

/** The opset that makes inputs of attributes that are lists of integers, in the order of the inputs. */
function listInputs(since: number, names: readonly string[]): Upgrade {
  return ({ type, opset, attrs, inputs, apply }) => {
    if (opset >= since) return apply(type, attrs, ...inputs);
    const kept = Object.fromEntries(
      Object.entries(attrs).filter(([name]) => !names.includes(name)),
    );
    const lists = names.map((name) => {
      const list = attrs[name];
      return Array.isArray(list) ? constant(int64([list.length], list as number[])) : undefined;
    });
    return apply(type, kept, inputs[0], ...lists);
  };
}

/** 13 makes an input of the attribute `split`; 18 wants the number of parts where there is none. */
function split(call: Call): readonly Value[] {
  const { opset, inputs, outputs, apply } = call;
  if (opset >= 18) return same(call);
  if (call.attrs.split !== undefined) return listInputs(13, ["split"])(call);
  const { split: _, ...attrs } = call.attrs;
  const parts = inputs[1] === undefined ? { num_outputs: outputs } : {};
  return apply("Split", { ...attrs, ...parts }, ...inputs);
}

/** 11 makes inputs of the attributes `pads` and `value`. */
function pad(call: Call): readonly Value[] {
  if (call.opset >= 11) return same(call);
  const { value, ...attrs } = call.attrs;
  const x = need(call.inputs, 0, "Pad");
  const apply: Call["apply"] = (type, kept, data, pads) =>
    call.apply(type, kept, data, pads, typeof value === "number" ? literal(x, value) : undefined);
  return listInputs(11, ["pads"])({ ...call, attrs, apply });
}

/** With mode CRD the channels are (c, p, q), not (p, q, c): they change places first. */
function depthToSpace({ type, attrs: { mode, ...attrs }, inputs, apply }: Call): readonly Value[] {
  const x = need(inputs, 0, type);
  const { blocksize: b } = attrs;
  const [, channels, height, width] = x.shape;
  if (mode !== "CRD") return apply(type, { ...attrs, ...(mode && { mode }) }, x);
  const fixed = [channels, height, width].every((d) => typeof d === "number");
  if (x.shape.length !== 4 || !fixed || typeof b !== "number" || Number(channels) % (b * b) !== 0)
    throw new InvalidNode(`${type}: ${channels} channels do not divide by blocksize² in blocks`);
  const lengths = (list: readonly unknown[]) => constant(int64([list.length], list.map(Number)));
  const [parts] = apply(
    "Reshape",
    {},
    x,
    lengths([0, Number(channels) / (b * b), b * b, Number(height) * Number(width)]),
  );
  const [swapped] = apply("Transpose", { perm: [0, 2, 1, 3] }, parts);
  const [whole] = apply("Reshape", {}, swapped, lengths([0, channels, height, width]));
  return apply(type, attrs, whole);
}

/** Indices may be of any type of number. */
function oneHot({ type, attrs, inputs, apply }: Call): readonly Value[] {
  const indices = need(inputs, 0, type);
  const given =
    indices.dtype === "int64" ? indices : apply("Cast", { to: codeOfDType("int64") }, indices)[0];
  return apply(type, attrs, given, ...inputs.slice(1));
}

/** 20 calls the modes as Resize does. */
function gridSample({ type, attrs, inputs, apply }: Call): readonly Value[] {
  const { mode = "linear" } = attrs;
  const names: Readonly<Record<string, string>> = { bilinear: "linear", bicubic: "cubic" };
  return apply(type, { ...attrs, mode: names[String(mode)] ?? mode }, ...inputs);
}

/** 10 makes an input of the attribute `k`. */
function topK(call: Call): readonly Value[] {
  const { k, ...attrs } = call.attrs;
  if (call.opset >= 10 || typeof k !== "number") return same(call);
  return call.apply("TopK", attrs, call.inputs[0], constant(int64([1], [k])));
}

/**
 * 11 adds the region of interest before the scales, and says how coordinates are mapped and rounded:
 * nearest neighbours were the next lower ones for larger results, the next higher ones for smaller.
 */
function resize(call: Call): readonly Value[] {
  const [x, scales] = call.inputs;
  if (call.opset >= 11) return same(call);
  const given = Array.from(constantOf(scales)?.data ?? []);
  const smaller = given.some((s) => s < 1);
  if (smaller && given.some((s) => s > 1))
    throw new InvalidNode("Resize of opset 10 that enlarges and reduces: export with opset 11");
  const attrs = { ...asymmetric(call.attrs.mode), ...(smaller && { nearest_mode: "ceil" }) };
  return call.apply("Resize", attrs, x, undefined, scales);
}

/** With layout 1 the batch comes first; the recurrent operators here have the steps first. */
function batchwise(call: Call): readonly Value[] {
  const { layout = 0, ...attrs } = call.attrs;
  if (layout !== 1) return call.apply(call.type, attrs, ...call.inputs);
  const swapped = (v: Value | undefined) => v && call.apply("Transpose", { perm: [1, 0, 2] }, v)[0];
  const inputs = call.inputs.map((v, i) => (i === 0 || i === 5 || i === 6 ? swapped(v) : v));
  const [y, ...states] = call.apply(call.type, attrs, ...inputs);
  const [all] = call.apply("Transpose", { perm: [2, 0, 1, 3] }, y);
  return [all, ...states.flatMap((v) => swapped(v) ?? [])];
}

/** The opset that makes an input of the attribute `axes`. */
function axesInput(since: number): Upgrade {
  return ({ type, opset, attrs, inputs, apply }) => {
    const { axes, ...kept } = attrs;
    if (opset >= since || !Array.isArray(axes)) return apply(type, attrs, ...inputs);
    return apply(type, kept, inputs[0], constant(int64([axes.length], axes as number[])));
  };
}
