import type { Value } from "../ir/graph.ts";
import { add } from "./add.ts";
import { check } from "./check.ts";
import { elu } from "./elu.ts";
import { hardSigmoid } from "./hardSigmoid.ts";
import { leakyRelu } from "./leakyRelu.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { relu } from "./relu.ts";
import { sigmoid } from "./sigmoid.ts";
import { softplus } from "./softplus.ts";
import { softsign } from "./softsign.ts";
import { tanh } from "./tanh.ts";
import { thresholdedRelu } from "./thresholdedRelu.ts";

export type Activation = (x: Value) => Value;

interface Described {
  /** What alpha and beta are when they are not given; absent: the function takes none. */
  readonly alpha?: number;
  readonly beta?: number;
  of(x: Value, alpha: number, beta: number): Value;
}

/** ONNX: the functions that RNN, GRU and LSTM may name, in lower case. */
const functions: Readonly<Record<string, Described>> = {
  affine: { alpha: 1, beta: 0, of: (x, a, b) => add({}, scaled(x, a), literal(x, b)) },
  elu: { alpha: 1, of: (x, alpha) => elu({ alpha }, x) },
  hardsigmoid: { alpha: 0.2, beta: 0.5, of: (x, alpha, beta) => hardSigmoid({ alpha, beta }, x) },
  leakyrelu: { alpha: 0.01, of: (x, alpha) => leakyRelu({ alpha }, x) },
  relu: { of: (x) => relu({}, x) },
  scaledtanh: { alpha: 1, beta: 1, of: (x, a, b) => scaled(tanh({}, scaled(x, b)), a) },
  sigmoid: { of: (x) => sigmoid({}, x) },
  softplus: { of: (x) => softplus({}, x) },
  softsign: { of: (x) => softsign({}, x) },
  tanh: { of: (x) => tanh({}, x) },
  thresholdedrelu: { alpha: 1, of: (x, alpha) => thresholdedRelu({ alpha }, x) },
};

const scaled = (x: Value, by: number): Value => mul({}, x, literal(x, by));

/** The named functions; each that has an alpha or beta takes the next of the list, or its default. */
export function recurrentActivations(
  names: readonly string[],
  alphas: readonly number[],
  betas: readonly number[],
  type: string,
): readonly Activation[] {
  let [a, b] = [0, 0];
  return names.map((name): Activation => {
    const key = String(name).toLowerCase();
    check(Object.hasOwn(functions, key), `${type}: activation ${name} is unknown`);
    const { alpha, beta, of } = functions[key];
    const first = alpha === undefined ? 0 : (alphas[a++] ?? alpha);
    const second = beta === undefined ? 0 : (betas[b++] ?? beta);
    return (x) => of(x, first, second);
  });
}
