import { constantOf, isConstant, type Value } from "../../ir/graph.ts";
import { type Data, isFloat, known, type Shape, size, strides } from "../../ir/tensor.ts";
import { evaluate } from "../../runtime/reference.ts";
import type { Structure } from "../coupling/structure.ts";

/** The elements of a constant where they lie in a stored tensor (or in a computed one), without a copy. */
export interface View {
  readonly data: Data;
  readonly shape: readonly number[];
  /** In elements of `data`, for each axis. */
  readonly strides: readonly number[];
  /** The file's name of the tensor; undefined: it is computed, and cannot be written. */
  readonly stored: string | undefined;
}

/** Constants that are computed in another way than by moving elements are evaluated up to this many elements. */
const LARGEST_COMPUTED = 2 ** 22;

/** Undefined for what depends on the inputs, and for large tensors that are computed. Weights are loaded. */
export function viewOf(structure: Structure, value: Value | undefined): View | undefined {
  if (value === undefined || !isConstant(value) || !isKnown(value.shape)) return undefined;
  return strided(structure, value) ?? computed(value);
}

const isKnown = (shape: Shape): boolean => shape.every((d) => typeof d === "number");

function strided(structure: Structure, value: Value): View | undefined {
  const shape = known(value.shape);
  const tensor = constantOf(value);
  if (tensor !== undefined)
    return {
      data: tensor.data,
      shape,
      strides: strides(shape),
      stored: isFloat(value.dtype) && isAlone(structure, value) ? value.node.name : undefined,
    };
  const { operator, inputs, attrs } = value.node;
  if (typeof operator === "string" || inputs[0] === undefined) return undefined;
  const from = MOVING.has(operator.type) ? strided(structure, inputs[0]) : undefined;
  if (from === undefined) return undefined;
  const stored = isReadOnce(structure, value) ? from.stored : undefined;
  if (operator.type === "Transpose") {
    const { perm = shape.map((_, d) => shape.length - 1 - d) } = attrs as { perm?: number[] };
    return { ...from, shape, strides: perm.map((d) => from.strides[d]), stored };
  }
  if (!isContiguous(from)) return undefined;
  return { ...from, shape, strides: strides(shape), stored };
}

/** They give the elements of their first input in another order or shape. */
const MOVING: ReadonlySet<string> = new Set(
  "Transpose Reshape Flatten Squeeze Unsqueeze Identity Dropout".split(" "),
);

const isContiguous = (view: View): boolean => {
  const row = strides(view.shape);
  return view.shape.every((length, d) => length === 1 || view.strides[d] === row[d]);
};

/** Nobody else would see new numbers in it. */
const isAlone = (structure: Structure, value: Value): boolean =>
  value.node.name !== "" &&
  structure.stored.get(value.node.name)?.length === 1 &&
  isReadOnce(structure, value);

function isReadOnce({ uses, outputs }: Structure, value: Value): boolean {
  const readers = uses.get(value) ?? [];
  return (
    readers.length === 1 &&
    readers[0].inputs.filter((v) => v === value).length === 1 &&
    !outputs.has(value)
  );
}

function computed(value: Value): View | undefined {
  const shape = known(value.shape);
  if (size(shape) > LARGEST_COMPUTED) return undefined;
  const [{ data }] = evaluate([value], new Map());
  return { data, shape, strides: strides(shape), stored: undefined };
}

/**
 * One number for each index of an axis, or one for all; undefined where the constant has more, or is none.
 * @param back the axis, counted from the end, since shorter operands are aligned there
 */
export function perIndex(
  structure: Structure,
  value: Value | undefined,
  back: number,
  length: number,
): Float64Array | undefined {
  if (value === undefined || !isConstant(value) || !isKnown(value.shape)) return undefined;
  const shape = known(value.shape);
  const count = size(shape);
  const own = shape.at(-back) ?? 1;
  if (count !== 1 && (count !== own || own !== length)) return undefined;
  const view = viewOf(structure, value);
  if (view === undefined) return undefined;
  const step = count === 1 ? 0 : view.strides.at(-back)!;
  return Float64Array.from({ length }, (_, i) => view.data[i * step]);
}
