import { constant, type Value } from "../ir/graph.ts";
import type { Type } from "../ir/tensor.ts";
import { expand } from "./expand.ts";

/** A scalar constant of the same element type. */
export const literal = ({ dtype }: Pick<Type, "dtype">, value: number): Value =>
  constant({
    dtype,
    shape: [],
    data: dtype === "float32" ? Float32Array.of(value) : Float64Array.of(value),
  });

/** A tensor that repeats one value; it takes no room in the graph. */
export const filled = (like: Pick<Type, "dtype">, shape: readonly number[], value: number): Value =>
  expand({ shape }, literal(like, value));
