import { constant, type Value } from "../../ir/graph.ts";
import { int64, isFloat } from "../../ir/tensor.ts";
import { literal } from "../../ops/literal.ts";
import { type Attrs, InvalidNode, need } from "../../ops/operator.ts";

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

type Upgrade = (call: Call) => readonly Value[];

/** The node's outputs, by operators of the canonical opset. Throws InvalidNode where there are none. */
export function upgrade(call: Call): readonly Value[] {
  const special = Object.hasOwn(upgrades, call.type) ? upgrades[call.type] : undefined;
  return (special ?? same)(call);
}

const same: Upgrade = ({ type, attrs, inputs, apply }) => apply(type, attrs, ...inputs);

/** Operators whose form or meaning changed since opset 7, by the opset that changed them. */
const upgrades: Readonly<Record<string, Upgrade>> = {
  BatchNormalization: batchNormalization,
  Clip: clip,
  Dropout: dropout,
  LogSoftmax: softmax,
  ReduceMax: axesInput(18),
  ReduceMean: axesInput(18),
  ReduceSum: axesInput(13),
  Softmax: softmax,
  Squeeze: axesInput(13),
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

/** The opset that makes an input of the attribute `axes`. */
function axesInput(since: number): Upgrade {
  return ({ type, opset, attrs, inputs, apply }) => {
    const { axes, ...kept } = attrs;
    if (opset >= since || !Array.isArray(axes)) return apply(type, attrs, ...inputs);
    return apply(type, kept, inputs[0], constant(int64([axes.length], axes as number[])));
  };
}
