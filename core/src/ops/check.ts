import { constantOf, type Value } from "../ir/graph.ts";
import { type Dim, type DType, isFloat, type Shape } from "../ir/tensor.ts";
import { InvalidNode } from "./operator.ts";

/** Throws InvalidNode unless the condition holds: what a file says about a node is checked, not believed. */
export function check(condition: boolean, message: string): asserts condition {
  if (!condition) throw new InvalidNode(message);
}

/** An integer attribute; `what` names it, as in "Gemm: transA". */
export function int(value: unknown, absent: number, what: string): number {
  if (value === undefined) return absent;
  check(typeof value === "number" && Number.isSafeInteger(value), `${what} must be an integer`);
  return value;
}

export const flag = (value: unknown, absent: boolean, what: string): boolean =>
  int(value, absent ? 1 : 0, what) !== 0;

export function real(value: unknown, absent: number, what: string): number {
  if (value === undefined) return absent;
  check(typeof value === "number" && Number.isFinite(value), `${what} must be a finite number`);
  return value;
}

/** A list of `length` integers, each at least `least`. */
export function ints(
  value: unknown,
  { length, least = Number.MIN_SAFE_INTEGER }: { length?: number; least?: number },
  what: string,
): readonly number[] {
  check(Array.isArray(value), `${what} must be a list of integers`);
  check(
    length === undefined || value.length === length,
    `${what} has ${value.length} entries, needs ${length}`,
  );
  return value.map((v: unknown) => {
    const n = int(v, 0, what);
    check(n >= least, `${what} has an entry below ${least}`);
    return n;
  });
}

/** An axis as a number from 0, where the attribute may count from the end. */
export function axisOf(value: unknown, rank: number, what: string): number {
  const axis = int(value, 0, what);
  check(axis >= -rank && axis < rank, `${what} ${axis} is outside rank ${rank}`);
  return axis < 0 ? axis + rank : axis;
}

/** Axes as numbers from 0, without repetition; absent: all of them. */
export function axesOf(value: unknown, rank: number, what: string): readonly number[] {
  if (value === undefined) return Array.from({ length: rank }, (_, i) => i);
  const axes = ints(value, {}, what).map((a) => axisOf(a, rank, what));
  check(new Set(axes).size === axes.length, `${what} repeats an axis`);
  return axes;
}

export function rankFrom(value: Value, least: number, what: string): number {
  const rank = value.shape.length;
  check(rank >= least, `${what} has rank ${rank}, needs at least ${least}`);
  return rank;
}

/** A length that must be known to infer the result. */
export function length(dim: Dim, what: string): number {
  check(typeof dim === "number", `${what} is symbolic (${dim}): bind it to a length`);
  return dim;
}

export function equalDims(a: Dim, b: Dim, what: string): void {
  check(a === b, `${what}: ${a} and ${b} differ`);
}

export function sameDType(a: Value, b: Value | undefined, type: string): void {
  check(
    b === undefined || a.dtype === b.dtype,
    `${type}: ${a.dtype} and ${b?.dtype ?? ""} do not mix`,
  );
}

export function needFloat(value: Value, type: string): void {
  check(isFloat(value.dtype), `${type}: ${value.dtype} is not a floating-point type`);
}

export function needDType(value: Value, dtype: DType, what: string): void {
  check(value.dtype === dtype, `${what} is ${value.dtype}, needs ${dtype}`);
}

/** The numbers of an input that must be a constant. */
export function constantNumbers(value: Value, what: string): readonly number[] {
  const tensor = constantOf(value);
  check(tensor !== undefined, `${what} must be a constant`);
  return Array.from(tensor.data);
}

export const show = (shape: Shape): string => `[${shape.join(", ")}]`;
