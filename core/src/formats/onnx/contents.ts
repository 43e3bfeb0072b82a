import { constantOf, type Node, type Value } from "../../ir/graph.ts";
import { type Dim, int64, isFloat, size, type Tensor } from "../../ir/tensor.ts";
import { broadcastOffsets } from "../../ops/broadcast.ts";
import { product, quotient } from "../../ops/dims.ts";
import type { Operator } from "../../ops/operator.ts";
import { inMemory } from "../weights.ts";

/**
 * What is known of a small tensor before the graph runs, element by element: a number, a length by its
 * name ("batch", "64*T"), or nothing. Exporters compute the arguments of Reshape and Expand from such
 * tensors.
 */
export interface Contents {
  readonly shape: readonly number[];
  readonly items: readonly Item[];
}

export type Item = Dim | undefined;

/** More elements are no list of lengths. */
const MOST = 1024;

/** The contents of the values of one graph while it is made. */
export class KnownContents {
  readonly #known = new WeakMap<Value, Contents>();

  of(value: Value | undefined): Contents | undefined {
    if (value === undefined) return undefined;
    const known = this.#known.get(value) ?? ofConstant(constantOf(value));
    if (known !== undefined) this.#known.set(value, known);
    return known;
  }

  /** Notes what a new node computes from contents; gives the outputs that are known altogether. */
  note(node: Node): readonly (Tensor | undefined)[] {
    const found = contentsOf(node, (value) => this.of(value));
    if (found.length === 0) return found as readonly undefined[];
    return node.outputs.map((value, i) => {
      const contents = found[i];
      if (contents === undefined) return undefined;
      this.#known.set(value, contents);
      const { shape, items } = contents;
      if (!items.every((item) => typeof item === "number")) return undefined;
      return { dtype: value.dtype, shape, data: dataOf(value.dtype, items) };
    });
  }
}

const dataOf = (dtype: Tensor["dtype"], items: readonly number[]): Tensor["data"] =>
  dtype === "float32" ? Float32Array.from(items) : Float64Array.from(items);

function ofConstant(tensor: Tensor | undefined): Contents | undefined {
  if (tensor === undefined || size(tensor.shape) > MOST || !inMemory(tensor)) return undefined;
  return { shape: tensor.shape, items: Array.from(tensor.data) };
}

function contentsOf(
  node: Node,
  known: (value: Value | undefined) => Contents | undefined,
): readonly (Contents | undefined)[] {
  const operator = node.operator as Operator;
  if (!FOLLOWED.has(operator.type)) return [];
  const shapes = node.outputs.map((v) => shapeOf(v));
  const [shape] = shapes;
  if (shape === undefined) return [];
  switch (operator.type) {
    case "Shape": {
      const { start = 0, end } = node.attrs as { start?: number; end?: number };
      return [{ shape, items: between(node.inputs[0]!.shape, start, end) }];
    }
    case "Size":
      return [{ shape: [], items: [lengthOf(node.inputs[0]!.shape)] }];
    case "ReduceProd": {
      const factors = known(node.inputs[0]);
      return factors === undefined || size(shape) !== 1
        ? []
        : [{ shape, items: [lengthOf(factors.items)] }];
    }
    default:
  }
  const moved = Object.hasOwn(moves, operator.type) ? moves[operator.type] : undefined;
  const inputs = node.inputs.map(known);
  if (moved !== undefined) return relocated(node, operator, inputs, shapes, moved);
  if (inputs.some((c) => c === undefined)) return [];
  return [combined(node, operator, inputs as readonly Contents[], shape)];
}

function shapeOf({ shape }: Value): readonly number[] | undefined {
  if (shape.some((d) => typeof d === "string")) return undefined;
  return size(shape as readonly number[]) > MOST ? undefined : (shape as readonly number[]);
}

const between = (dims: readonly Dim[], start: number, end = dims.length): readonly Dim[] =>
  dims.slice(start, Math.max(-dims.length, end));

const lengthOf = (items: readonly Item[]): Item =>
  items.every((item) => item !== undefined) ? multiplied(items) : undefined;

const multiplied = (items: readonly Dim[]): Item => {
  const numbers = items.filter((item) => typeof item === "number");
  return numbers.every((n) => Number.isSafeInteger(n) && n >= 0) ? product(items) : undefined;
};

/** Operators that only put elements elsewhere, and from which inputs they take them. */
const moves: Readonly<Record<string, "first" | "all">> = {
  Concat: "all",
  Expand: "first",
  Flatten: "first",
  Gather: "first",
  GatherElements: "first",
  GatherND: "first",
  Identity: "first",
  Reshape: "first",
  Slice: "first",
  Split: "first",
  Squeeze: "first",
  Tile: "first",
  Transpose: "first",
  Unsqueeze: "first",
};

/** Evaluates the operator on the numbers of the elements in place of the elements. */
function relocated(
  node: Node,
  operator: Operator,
  inputs: readonly (Contents | undefined)[],
  shapes: readonly (readonly number[] | undefined)[],
  moved: "first" | "all",
): readonly (Contents | undefined)[] {
  const items: Item[] = [];
  const tensors: (Tensor | undefined)[] = [];
  for (const [i, value] of node.inputs.entries()) {
    const contents = inputs[i];
    if (value === undefined) tensors.push(undefined);
    else if (contents === undefined) return [];
    else if (i === 0 || moved === "all") {
      tensors.push(
        int64(
          contents.shape,
          contents.items.map((_, k) => items.length + k),
        ),
      );
      items.push(...contents.items);
    } else {
      const tensor = constantOf(value);
      if (tensor === undefined) return [];
      tensors.push(tensor);
    }
  }
  if (shapes.some((s) => s === undefined)) return [];
  const types = shapes.map((s) => ({ dtype: "int64" as const, shape: s! }));
  return operator
    .evaluate(tensors, node.attrs, types)
    .map(({ shape, data }) => ({ shape, items: Array.from(data, (at) => items[at]) }));
}

/** What an elementwise operator makes of elements that are not all numbers; lengths are 1 or more. */
const combinations: Readonly<Record<string, (items: readonly Item[], node: Node) => Item>> = {
  Abs: ([x]) => x,
  Add: ([a, b]) => (a === 0 ? b : b === 0 ? a : undefined),
  And: ([a, b]) => (a === 0 || b === 0 ? 0 : undefined),
  Cast: ([x], { outputs: [{ dtype }] }) => (dtype === "bool" ? undefined : x),
  Ceil: ([x]) => x,
  Div: ([a, b]) => divided(a, b),
  Equal: ([a, b]) => {
    if (a === undefined || b === undefined) return undefined;
    if (a === b) return 1;
    return isBelowOne(a) || isBelowOne(b) ? 0 : undefined;
  },
  Floor: ([x]) => x,
  Greater: ([a, b]) => order(a, b),
  GreaterOrEqual: ([a, b]) => (a !== undefined && a === b ? 1 : (order(a, b) ?? atLeastOne(a, b))),
  Less: ([a, b]) => order(b, a),
  LessOrEqual: ([a, b]) => (a !== undefined && a === b ? 1 : (order(b, a) ?? atLeastOne(b, a))),
  Max: (items) => extreme(items),
  Min: (items) => (items.every((x) => x === items[0]) ? items[0] : undefined),
  Mod: ([a, b]) => (typeof divided(a, b) === "string" ? 0 : undefined),
  Mul: ([a, b]) => times(a, b),
  Neg: () => undefined,
  Not: () => undefined,
  Or: ([a, b]) => (a === 1 || b === 1 ? 1 : undefined),
  Pow: ([a, b]) => (b === 1 ? a : undefined),
  Reciprocal: () => undefined,
  Round: ([x]) => x,
  Sqrt: () => undefined,
  Sub: ([a, b]) => (b === 0 ? a : a !== undefined && a === b ? 0 : undefined),
  Where: ([c, a, b]) => (c === undefined ? (a === b ? a : undefined) : c ? a : b),
};

/** Operators whose results can be known. */
const FOLLOWED: ReadonlySet<string> = new Set([
  ...["Shape", "Size", "ReduceProd"],
  ...Object.keys(moves),
  ...Object.keys(combinations),
]);

const isBelowOne = (x: Dim): boolean => typeof x === "number" && x < 1;

/** a > b, where a length is compared with a number below 1. */
function order(a: Item, b: Item): Item {
  if (a === undefined || b === undefined) return undefined;
  if (a === b) return 0;
  if (typeof a === "string" && isBelowOne(b)) return 1;
  return typeof b === "string" && isBelowOne(a) ? 0 : undefined;
}

const atLeastOne = (a: Item, b: Item): Item => (typeof a === "string" && b === 1 ? 1 : undefined);

function extreme(items: readonly Item[]): Item {
  const above = new Set(items.filter((x) => typeof x !== "number" || x > 1));
  return above.size === 1 ? [...above][0] : undefined;
}

function times(a: Item, b: Item): Item {
  if (a === undefined || b === undefined) return undefined;
  const [number, length] = typeof a === "number" ? [a, b] : [b, a];
  if (typeof number === "number" && number > 0 && number < 1) return divided(length, 1 / number);
  return multiplied([a, b]);
}

/** Where it leaves no rest. */
function divided(a: Item, b: Item): Item {
  if (a === undefined || b === undefined) return undefined;
  if (typeof b === "number" && (!Number.isSafeInteger(b) || b < 1)) return undefined;
  if (typeof a === "number" && (!Number.isSafeInteger(a) || a < 0)) return undefined;
  return quotient([a], [b]);
}

function combined(
  node: Node,
  operator: Operator,
  inputs: readonly Contents[],
  shape: readonly number[],
): Contents {
  const offsets = inputs.map((c) => broadcastOffsets(c.shape, shape));
  const items = Array.from({ length: size(shape) }, (_, i) =>
    inputs.map((c, k) => c.items[offsets[k][i]]),
  );
  const plain = items.flatMap((list, i) =>
    list.every((item) => typeof item === "number") ? [{ list, i }] : [],
  );
  const results = items.map((list) => combinations[operator.type](list, node));
  const { dtype } = node.outputs[0];
  const tensors = node.inputs.map(
    (v, k): Tensor => ({
      dtype: v!.dtype,
      shape: [plain.length],
      data: Float64Array.from(plain, ({ list }) => list[k]),
    }),
  );
  const [{ data }] = operator.evaluate(tensors, node.attrs, [{ dtype, shape: [plain.length] }]);
  plain.forEach(({ i }, at) => {
    results[i] = isFloat(dtype) ? Math.fround(data[at]) : data[at];
  });
  return { shape, items: results };
}
