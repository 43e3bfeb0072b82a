import { constant, type Value } from "../../ir/graph.ts";
import { int64 } from "../../ir/tensor.ts";
import { axisOf, check, int, needFloat, real } from "../../ops/check.ts";
import { literal } from "../../ops/literal.ts";
import { need } from "../../ops/operator.ts";
import type { Call } from "./upgrade.ts";

/** Opset 23: x over its root mean square along the axes from `axis` on, times a scale (Zhang & Sennrich 2019). */
export function rmsNormalization({ type, attrs, inputs, apply }: Call): readonly Value[] {
  const [x, scale] = [need(inputs, 0, type), need(inputs, 1, type)];
  needFloat(x, type);
  const rank = x.shape.length;
  const first = axisOf(attrs.axis ?? -1, rank, `${type}: axis`);
  const epsilon = real(attrs.epsilon, 1e-5, `${type}: epsilon`);
  check(int(attrs.stash_type, 1, `${type}: stash_type`) === 1, `${type}: stash_type is not 1`);
  const axes = Array.from({ length: rank - first }, (_, i) => first + i);
  const [square] = apply("Mul", {}, x, x);
  const [mean] = apply("ReduceMean", {}, square, constant(int64([axes.length], axes)));
  const [root] = apply("Sqrt", {}, apply("Add", {}, mean, literal(x, epsilon))[0]);
  return apply("Mul", {}, apply("Div", {}, x, root)[0], scale);
}

/** Opset 24: x·sigmoid(alpha·x). */
export function swish({ type, attrs, inputs, apply }: Call): readonly Value[] {
  const x = need(inputs, 0, type);
  needFloat(x, type);
  const alpha = real(attrs.alpha, 1, `${type}: alpha`);
  const scaled = alpha === 1 ? x : apply("Mul", {}, x, literal(x, alpha))[0];
  return apply("Mul", {}, x, apply("Sigmoid", {}, scaled)[0]);
}
