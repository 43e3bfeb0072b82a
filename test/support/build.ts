import { constant, input, type Value } from "#core/ir/graph.ts";
import { float32, known, size, type Tensor } from "#core/ir/tensor.ts";
import { operatorOfType } from "#core/ops/index.ts";
import type { Attrs } from "#core/ops/operator.ts";
import { random } from "#core/random.ts";

/** An operator applied by its ONNX type; further attributes and the node's name as in a file. */
export function op(
  type: string,
  attrs: Attrs,
  inputs: readonly (Value | undefined)[],
  name = "",
): Value {
  return operatorOfType.get(type)!.node(attrs, inputs, name).outputs[0]!;
}

/** Seeded normal numbers, about 1 / √fan-in, as a constant that is named as in a file. */
export function weights(shape: readonly number[], seed: number, name = ""): Value {
  return constant(normal(shape, seed, 1 / Math.sqrt(Math.max(1, size(shape.slice(1))))), name);
}

export function normal(shape: readonly number[], seed: number, deviation = 1): Tensor {
  const next = random(seed).normal;
  return float32(
    shape,
    Float32Array.from({ length: size(shape) }, () => next() * deviation),
  );
}

/** Scale, bias, mean and variance of a BatchNormalization. */
export function normalisation(channels: number, seed: number, name: string): readonly Value[] {
  const positive = Float32Array.from(normal([channels], seed + 3).data, (v) => 0.5 + Math.abs(v));
  return [
    weights([channels], seed, `${name}.weight`),
    weights([channels], seed + 1, `${name}.bias`),
    weights([channels], seed + 2, `${name}.running_mean`),
    constant(float32([channels], positive), `${name}.running_var`),
  ];
}

export const image = (...shape: (number | string)[]): Value => input("x", "float32", shape);

/** A number for every input of the values' graph, by seed. */
export const feed = (inputs: readonly Value[], seed = 1): ReadonlyMap<Value, Tensor> =>
  new Map(inputs.map((v, i) => [v, normal(known(v.shape), seed + 31 * i)]));
