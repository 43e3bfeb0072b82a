import type { Value } from "../ir/graph.ts";
import { add } from "./add.ts";
import { check, needFloat } from "./check.ts";
import { erf, erfOf } from "./erf.ts";
import { exp } from "./exp.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { carry, need, type Operator, operator } from "./operator.ts";
import { sub } from "./sub.ts";
import { tanh } from "./tanh.ts";

type GeluAttrs = { readonly approximate?: string };

const CUBIC = 0.044715;
const RATE = Math.sqrt(2 / Math.PI);

/** Hendrycks & Gimpel 2016: x·Φ(x), Φ the standard normal distribution, or approximated by tanh. */
export const gelu: Operator<GeluAttrs> = operator<GeluAttrs>({
  type: "Gelu",
  infer(inputs, { approximate = "none" }) {
    const x = need(inputs, 0, "Gelu");
    needFloat(x, "Gelu");
    check(
      approximate === "none" || approximate === "tanh",
      `Gelu: approximate ${approximate} is unknown`,
    );
    return [{ dtype: x.dtype, shape: x.shape }];
  },
  evaluate([x], { approximate }, [{ dtype, shape }]) {
    const phi = approximate === "tanh" ? curve : normal;
    return [{ dtype, shape, data: Float64Array.from(x!.data, (v) => v * phi(v)) }];
  },
  gradient: ([ct], { inputs: [x], attrs }) => [
    mul({}, ct!, attrs.approximate === "tanh" ? tanhSlope(x!) : normalSlope(x!)),
  ],
  channels: (_node, _input, axis) => carry(axis),
  examples: [
    { inputs: [[2, 3]], attrs: {} },
    { inputs: [[2, 3]], attrs: { approximate: "tanh" } },
  ],
});

const normal = (x: number): number => (1 + erfOf(x * Math.SQRT1_2)) / 2;
const curve = (x: number): number => (1 + Math.tanh(RATE * (x + CUBIC * x ** 3))) / 2;

/** Φ(x) + x·φ(x), φ the density. */
function normalSlope(x: Value): Value {
  const number = (value: number) => literal(x, value);
  const phi = mul({}, add({}, erf({}, mul({}, x, number(Math.SQRT1_2))), number(1)), number(0.5));
  const density = mul({}, exp({}, mul({}, mul({}, x, x), number(-0.5))), number(RATE / 2));
  return add({}, phi, mul({}, x, density));
}

/** With t = tanh(u): ½(1 + t) + ½x·(1 − t²)·u'. */
function tanhSlope(x: Value): Value {
  const number = (value: number) => literal(x, value);
  const square = mul({}, x, x);
  const u = mul({}, x, add({}, mul({}, square, number(RATE * CUBIC)), number(RATE)));
  const du = add({}, mul({}, square, number(3 * RATE * CUBIC)), number(RATE));
  const t = tanh({}, u);
  const steep = mul({}, mul({}, x, du), sub({}, number(1), mul({}, t, t)));
  return mul({}, add({}, add({}, t, number(1)), steep), number(0.5));
}
