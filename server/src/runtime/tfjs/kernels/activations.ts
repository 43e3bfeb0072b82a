import * as tf from "@tensorflow/tfjs-core";
import { attrs, type Kernels } from "../kernel.ts";
import { elementwise } from "./elementwise.ts";

type Rates = {
  readonly alpha?: number;
  readonly beta?: number;
  readonly gamma?: number;
  readonly approximate?: string;
};

const CUBIC = 0.044715;
const RATE = Math.sqrt(2 / Math.PI);

/** e^x − 1 where x is negative, 0 elsewhere. */
const below = (x: tf.Tensor): tf.Tensor => tf.expm1(tf.minimum(x, 0));

/** 0 up to −½, 1 from ½ on. */
const ramp = (x: tf.Tensor): tf.Tensor => tf.minimum(tf.relu(x), 1);

/** Activation functions, composed of what every backend has. */
export const activationKernels: Kernels = {
  Elu: elementwise(["Expm1", "Minimum", "Relu", "Multiply", "Add"], ([x], { node }) => {
    const { alpha = 1 } = attrs<Rates>(node);
    return tf.add(tf.relu(x!), tf.mul(below(x!), alpha));
  }),
  Celu: elementwise(["Expm1", "Minimum", "Relu", "Multiply", "Add"], ([x], { node }) => {
    const { alpha = 1 } = attrs<Rates>(node);
    return tf.add(tf.relu(x!), tf.mul(below(tf.mul(x!, 1 / alpha)), alpha));
  }),
  Selu: elementwise(["Expm1", "Minimum", "Relu", "Multiply", "Add"], ([x], { node }) => {
    const { alpha = 1.6732632423543772, gamma = 1.0507009873554805 } = attrs<Rates>(node);
    return tf.add(tf.mul(tf.relu(x!), gamma), tf.mul(below(x!), alpha * gamma));
  }),
  LeakyRelu: elementwise(["LeakyRelu"], ([x], { node }) =>
    tf.leakyRelu(x!, attrs<Rates>(node).alpha ?? 0.01),
  ),
  HardSigmoid: elementwise(["Relu", "Minimum", "Multiply", "Add"], ([x], { node }) => {
    const { alpha = 0.2, beta = 0.5 } = attrs<Rates>(node);
    return ramp(tf.add(tf.mul(x!, alpha), beta));
  }),
  HardSwish: elementwise(["Relu", "Minimum", "Multiply", "Add"], ([x]) =>
    tf.mul(x!, ramp(tf.add(tf.mul(x!, 1 / 6), 0.5))),
  ),
  ThresholdedRelu: elementwise(["Greater", "Cast", "Multiply"], ([x], { node }) =>
    tf.mul(x!, tf.cast(tf.greater(x!, attrs<Rates>(node).alpha ?? 1), "float32")),
  ),
  Softsign: elementwise(["Abs", "Add", "RealDiv"], ([x]) => tf.div(x!, tf.add(tf.abs(x!), 1))),
  Mish: elementwise(["Softplus", "Tanh", "Multiply"], ([x]) =>
    tf.mul(x!, tf.tanh(tf.softplus(x!))),
  ),
  Gelu: elementwise(["Erf", "Tanh", "Multiply", "Add"], ([x], { node }) => {
    const curve =
      attrs<Rates>(node).approximate === "tanh"
        ? tf.tanh(tf.mul(x!, tf.add(tf.mul(tf.square(x!), RATE * CUBIC), RATE)))
        : tf.erf(tf.mul(x!, Math.SQRT1_2));
    return tf.mul(tf.mul(x!, 0.5), tf.add(curve, 1));
  }),
};
