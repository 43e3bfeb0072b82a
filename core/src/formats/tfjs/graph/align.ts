import { isConstant, type Value } from "../../../ir/graph.ts";
import type { Call } from "./call.ts";
import { type Held, identity, isIdentity, rankOf, shapeOf } from "./held.ts";

export interface Aligned {
  readonly values: readonly Value[];
  readonly order: readonly number[];
}

/** Operands that broadcast against each other, in one order: that of the first that is not TensorFlow's own. */
export function align(call: Call, operands: readonly Held[]): Aligned {
  const rank = Math.max(...operands.map(rankOf));
  const whole = operands.filter((h) => rankOf(h) === rank);
  const moved = whole.filter((h) => !isIdentity(h.order));
  const order = (moved.find((h) => !isConstant(h.value)) ?? moved[0])?.order ?? identity(rank);
  return { order, values: operands.map((h) => inOrder(call, h, order)) };
}

/** An operand of lower rank gets axes of length 1 in front, as broadcasting does, before it is put in order. */
export function inOrder(call: Call, held: Held, order: readonly number[]): Value {
  const missing = order.length - rankOf(held);
  if (missing <= 0) return call.reorder(held, order);
  const own = identity(rankOf(held));
  const value = call.reorder(held, own);
  if (isIdentity(order) || own.length === 0) return value;
  const shape = [...new Array<number>(missing).fill(1), ...shapeOf(held)];
  const full = { ...held, value: call.reshape(value, shape), order: identity(order.length) };
  const result = call.reorder(full, order);
  // What stands in front of the first long axis is what broadcasting adds.
  const from = result.shape.findIndex((d) => d !== 1);
  return isConstant(result) && from > 0 ? call.reshape(value, result.shape.slice(from)) : result;
}
