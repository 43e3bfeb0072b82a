import { InvalidNode } from "../../../ops/operator.ts";
import { type Held, plain } from "../held.ts";
import { type Layer, type Lower, Unsupported } from "../layer.ts";
import { activate } from "./activations.ts";
import { arithmeticOps, together } from "./merging.ts";

/** Operations of keras.ops that stand in functional models; other ones are refused by name. */

/** The value of a parameter, from the configuration, the call's names or its place. */
const given = (layer: Layer, key: string, position: number): unknown =>
  layer.config[key] ?? layer.kwargs[key] ?? layer.args[position];

function axesOf(layer: Layer): readonly number[] | undefined {
  const axis = given(layer, "axis", 0);
  if (axis === undefined || axis === null) return undefined;
  const axes = Array.isArray(axis) ? axis : [axis];
  return axes.map((a) => layer.axis(layer.input, Number(a)));
}

const reduction =
  (type: string): Lower =>
  (layer) => {
    const x = layer.input;
    const keep = given(layer, "keepdims", 1) === true;
    const axes = axesOf(layer);
    if (axes === undefined || axes.includes(0)) throw new Unsupported("over the batch");
    const y = layer.op(type, { keepdims: 1 }, x.value, layer.ints(axes));
    if (keep) return layer.like(x, y);
    const own = layer.plain(layer.like(x, y));
    const inner = x.first ? axes.map((a) => (a === 1 ? own.shape.length - 1 : a - 1)) : axes;
    return plain(layer.op("Squeeze", {}, own, layer.ints(inner)));
  };

const unary =
  (type: string): Lower =>
  (layer) =>
    layer.like(layer.input, layer.op(type, {}, layer.input.value));

const activation =
  (name: string): Lower =>
  (layer) =>
    activate(layer, layer.input, name);

const concatenate: Lower = (layer) => {
  const { values, first } = together(layer);
  const axis = layer.axis(
    { value: values[0], first } satisfies Held,
    Number(given(layer, "axis", 0) ?? 0),
  );
  return { value: layer.op("Concat", { axis }, ...values), first };
};

const reshape: Lower = (layer) => {
  const shape = given(layer, "newshape", 0);
  if (!Array.isArray(shape)) throw new InvalidNode("its newshape is no list");
  const target = shape.map((n) => (n === null ? -1 : Number(n)));
  return plain(layer.reshape(layer.plain(layer.input), target));
};

const transpose: Lower = (layer) => {
  const axes = given(layer, "axes", 0);
  if (!Array.isArray(axes)) throw new Unsupported("without axes");
  return plain(layer.transpose(layer.plain(layer.input), axes.map(Number)));
};

const expandDims: Lower = (layer) => {
  const axis = given(layer, "axis", 0);
  return plain(layer.op("Unsqueeze", {}, layer.plain(layer.input), layer.ints([Number(axis)])));
};

export const functionOps: Readonly<Record<string, Lower>> = {
  ...arithmeticOps,
  Mean: reduction("ReduceMean"),
  Sum: reduction("ReduceSum"),
  Max: reduction("ReduceMax"),
  Min: reduction("ReduceMin"),
  Exp: unary("Exp"),
  Log: unary("Log"),
  Sqrt: unary("Sqrt"),
  Absolute: unary("Abs"),
  Negative: unary("Neg"),
  Sin: unary("Sin"),
  Cos: unary("Cos"),
  Erf: unary("Erf"),
  Tanh: activation("tanh"),
  Relu: activation("relu"),
  Relu6: activation("relu6"),
  Sigmoid: activation("sigmoid"),
  Silu: activation("silu"),
  Softplus: activation("softplus"),
  Concatenate: concatenate,
  Reshape: reshape,
  Transpose: transpose,
  ExpandDims: expandDims,
};
