import type { Value } from "../../../ir/graph.ts";
import { literal } from "../../../ops/literal.ts";
import { InvalidNode } from "../../../ops/operator.ts";
import { isHeld, plain } from "../held.ts";
import { type Layer, type Lower, Unsupported } from "../layer.ts";
import { marks } from "./core.ts";

/** All inputs held in one way: channels behind the batch where one of them is, and all are maps. */
export function together(layer: Layer): { values: readonly Value[]; first: boolean } {
  const { inputs } = layer;
  if (inputs.length === 0) throw new InvalidNode("it is called with no tensor");
  const first =
    inputs.some((x) => x.first) && new Set(inputs.map((x) => x.value.shape.length)).size === 1;
  return { first, values: inputs.map((x) => (first ? layer.first(x) : layer.plain(x))) };
}

const fold =
  (type: string): Lower =>
  (layer) => {
    const { values, first } = together(layer);
    const value = values.reduce((a, b) => layer.op(type, {}, a, b));
    return { value, first, ...marks(layer) };
  };

const average: Lower = (layer) => {
  const { values, first } = together(layer);
  const sum = values.reduce((a, b) => layer.op("Add", {}, a, b));
  return {
    value: layer.op("Mul", {}, sum, layer.number(1 / values.length)),
    first,
    ...marks(layer),
  };
};

const subtract: Lower = (layer) => {
  if (layer.inputs.length !== 2) throw new InvalidNode("it takes two tensors");
  return fold("Sub")(layer);
};

const concatenate: Lower = (layer) => {
  const { values, first } = together(layer);
  const axis = layer.axis({ value: values[0], first }, layer.real("axis", -1));
  const value = values.length === 1 ? values[0] : layer.op("Concat", { axis }, ...values);
  return { value, first, ...marks(layer) };
};

/** Sums over one axis of each of two tensors; normalised first where it says so. */
const dot: Lower = (layer) => {
  const [a, b] = layer.inputs.map((x) => layer.plain(x));
  if (a === undefined || b === undefined || layer.flag("normalize", false))
    throw new Unsupported("a Dot of normalised tensors");
  const axes = layer.numbers("axes", 2, -1);
  const [i, j] = [layer.axis(plain(a), axes[0]), layer.axis(plain(b), axes[1])];
  const letters = (rank: number, from: number, summed: number) =>
    Array.from({ length: rank }, (_, d) =>
      d === 0 ? "a" : d === summed ? "z" : String.fromCharCode(from + d),
    );
  const left = letters(a.shape.length, 98, i);
  const right = letters(b.shape.length, 110, j);
  const rest = [...left, ...right.slice(1)].filter((l) => l !== "z");
  const result =
    rest.length === 1
      ? layer.op("Einsum", { equation: `${left.join("")},${right.join("")}->a` }, a, b)
      : layer.op(
          "Einsum",
          { equation: `${left.join("")},${right.join("")}->${rest.join("")}` },
          a,
          b,
        );
  return plain(rest.length === 1 ? layer.reshape(result, [0, 1]) : result);
};

/** Operations of keras.ops and TensorFlow between tensors and numbers. */
export function operands(layer: Layer): { values: readonly Value[]; first: boolean } {
  const given: readonly unknown[] = [
    ...layer.inputs,
    ...layer.args,
    ...Object.values(layer.kwargs),
  ];
  const tensors = given.filter(isHeld);
  const ranks = new Set(tensors.map((x) => x.value.shape.length));
  const first = tensors.some((x) => x.first) && ranks.size === 1;
  const values = given.flatMap((v) => {
    if (isHeld(v)) return [first ? layer.first(v) : layer.plain(v)];
    return typeof v === "number" && tensors.length > 0 ? [literal(tensors[0].value, v)] : [];
  });
  return { values, first };
}

const arithmetic =
  (type: string): Lower =>
  (layer) => {
    const { values, first } = operands(layer);
    if (values.length !== 2) throw new Unsupported("other than with two tensors or numbers");
    return { value: layer.op(type, {}, ...values), first };
  };

export const mergingLayers: Readonly<Record<string, Lower>> = {
  Add: fold("Add"),
  Subtract: subtract,
  Multiply: fold("Mul"),
  Average: average,
  Maximum: fold("Max"),
  Minimum: fold("Min"),
  Concatenate: concatenate,
  Dot: dot,
};

/** By the class in keras.ops and by the function of a TFOpLambda. */
export const arithmeticOps: Readonly<Record<string, Lower>> = {
  Add: arithmetic("Add"),
  Subtract: arithmetic("Sub"),
  Multiply: arithmetic("Mul"),
  Divide: arithmetic("Div"),
  TrueDivide: arithmetic("Div"),
  Maximum: arithmetic("Max"),
  Minimum: arithmetic("Min"),
  Power: arithmetic("Pow"),
  Equal: arithmetic("Equal"),
  Greater: arithmetic("Greater"),
  Less: arithmetic("Less"),
  NotEqual: (layer) => {
    const { values, first } = operands(layer);
    return { value: layer.op("Not", {}, layer.op("Equal", {}, ...values)), first };
  },
  "math.add": arithmetic("Add"),
  "math.subtract": arithmetic("Sub"),
  "math.multiply": arithmetic("Mul"),
  "math.divide": arithmetic("Div"),
  "math.truediv": arithmetic("Div"),
  "__operators__.add": arithmetic("Add"),
};
