import type { Dim } from "../ir/tensor.ts";
import { check } from "./check.ts";

/** A product of lengths: a number times named lengths, the names sorted. */
interface Product {
  readonly number: number;
  readonly names: readonly string[];
}

/** The length of merged axes; symbolic ones give a derived name such as "H*W*64". */
export const product = (dims: readonly Dim[]): Dim => asDim(multiply(dims));

/** a / b if that is a length, symbolic or not; undefined if b does not divide a. */
export function quotient(a: readonly Dim[], b: readonly Dim[]): Dim | undefined {
  const above = multiply(a);
  const below = multiply(b);
  const names = [...above.names];
  for (const name of below.names) {
    const i = names.indexOf(name);
    if (i < 0) return undefined;
    names.splice(i, 1);
  }
  if (below.number === 0 || above.number % below.number !== 0) return undefined;
  return asDim({ number: above.number / below.number, names });
}

/** The number among the factors: 64 of "H*64", 1 of "N". */
export const factor = (dim: Dim): number =>
  typeof dim === "number" ? dim : multiply([dim]).number;

/** Derived names are taken apart again, so that "H*64" divides by 64. */
function multiply(dims: readonly Dim[]): Product {
  let number = 1;
  const names: string[] = [];
  for (const dim of dims)
    for (const factor of typeof dim === "number" ? [dim] : dim.split("*"))
      if (typeof factor === "number") number *= factor;
      else if (/^\d+$/.test(factor)) number *= Number(factor);
      else names.push(factor);
  check(Number.isSafeInteger(number), "a tensor this large cannot be addressed");
  return { number, names: names.sort((a, b) => (a < b ? -1 : 1)) };
}

function asDim({ number, names }: Product): Dim {
  if (names.length === 0 || number === 0) return number;
  return (number === 1 ? names : [...names, number]).join("*");
}
