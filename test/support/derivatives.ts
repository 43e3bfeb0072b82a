import assert from "node:assert/strict";
import type { Graph, Value } from "#core/ir/graph.ts";
import { topological } from "#core/ir/graph.ts";
import { isFloat, known, size, type Tensor } from "#core/ir/tensor.ts";
import { random } from "#core/random.ts";
import { evaluate } from "#core/runtime/reference.ts";

export type Feeds = ReadonlyMap<Value, Tensor>;

/** float64 numbers, so that finite differences see more than rounding. */
export function wide(shape: readonly number[], seed: number): Tensor {
  const next = random(seed).normal;
  return { dtype: "float32", shape, data: Float64Array.from({ length: size(shape) }, next) };
}

/** The inputs and floating-point constants of a graph: what it can be differentiated by. */
export const variables = (graph: Graph): readonly Value[] =>
  topological(graph.outputs)
    .filter((n) => typeof n.operator === "string" && isFloat(n.outputs[0]!.dtype))
    .map((n) => n.outputs[0]!)
    .filter((v) => v.shape.length > 0);

/** The constants' own numbers in float64, and numbers for the inputs, as feeds that can be varied. */
export function pointOf(graph: Graph, seed: number): Map<Value, Tensor> {
  const constants = new Map<Value, Tensor>();
  for (const v of variables(graph)) {
    const own = v.node.operator === "constant" ? evaluate([v], new Map())[0] : undefined;
    const numbers = own && { ...own, data: Float64Array.from(own.data) };
    constants.set(v, numbers ?? wide(known(v.shape), seed));
  }
  return constants;
}

export function dot(a: Tensor, b: Tensor): number {
  let sum = 0;
  for (let i = 0; i < a.data.length; i++) sum += a.data[i]! * b.data[i]!;
  return sum;
}

const STEP = 1e-5;

/** ∂f/∂variable by central differences at a few elements, against the gradient (absent: zero). */
export function assertGradient(
  f: (feeds: Feeds) => number,
  feeds: Feeds,
  variable: Value,
  gradient: Value | undefined,
  { elements = 6, tolerance = 1e-6, what = "" } = {},
): void {
  const at = feeds.get(variable)!;
  const found = gradient && evaluate([gradient], feeds)[0]!;
  const every = Math.max(1, Math.floor(at.data.length / elements));
  for (let i = 0; i < at.data.length; i += every) {
    const moved = (to: number) => {
      const data = Float64Array.from(at.data);
      data[i] = to;
      return f(new Map(feeds).set(variable, { ...at, data }));
    };
    const x = at.data[i]!;
    const expected = (moved(x + STEP) - moved(x - STEP)) / (2 * STEP);
    const actual = found?.data[i] ?? 0;
    assert.ok(
      Math.abs(actual - expected) <= tolerance * (1 + Math.abs(expected)),
      `${what} ${variable.node.name}[${i}]: ${actual}, finite differences ${expected}`,
    );
  }
}
