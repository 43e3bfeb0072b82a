import type { Node, Value } from "../ir/graph.ts";
import { type Dim, type Shape, size } from "../ir/tensor.ts";
import { product, quotient } from "../ops/dims.ts";
import type { Operator } from "../ops/operator.ts";

/**
 * Where the samples of a batch of N stand in a value: along one axis of length outer·N·inner, sample n
 * at o·(N·inner) + n·inner + i.
 */
export interface Place {
  readonly axis: number;
  readonly outer: number;
  readonly inner: number;
}

/** The axes whose length has the factor. */
export const axesWith = (shape: Shape, name: string): readonly number[] =>
  shape.flatMap((d, i) =>
    typeof d === "string" && (d === name || quotient([d], [name]) !== undefined) ? [i] : [],
  );

/** How often the name stands in the length: 64 for "64*N"; undefined where other names do too. */
export function multiplicity(dim: Dim, name: string): number | undefined {
  if (dim === name) return 1;
  const rest = quotient([dim], [name]);
  return typeof rest === "number" ? rest : undefined;
}

/**
 * Where the samples may be after a change of shape: any axis of `to` such that as many elements stand
 * before and after them as did before. Those that have the axis to themselves come first.
 */
export function reshapedPlaces(
  from: Shape,
  { axis, outer, inner }: Place,
  to: Shape,
): readonly Place[] {
  const places = to.flatMap((_, j): Place[] => {
    const before = quotient([...from.slice(0, axis), outer], to.slice(0, j));
    const after = quotient([...from.slice(axis + 1), inner], to.slice(j + 1));
    if (typeof before !== "number" || typeof after !== "number") return [];
    return [{ axis: j, outer: before, inner: after }];
  });
  const own = ({ outer: o, inner: i }: Place) => (o === 1 && i === 1 ? 0 : 1);
  return places.sort((a, b) => own(a) - own(b));
}

export const placedLength = ({ outer, inner }: Place, batch: Dim): Dim =>
  product([outer, batch, inner]);

type Attributes = Readonly<Record<string, unknown>>;

/** Operators whose results along `axis` depend on all elements there, or on their places. */
const ALONG_AXIS: Readonly<Record<string, number>> = {
  CumSum: 0,
  Gather: 0,
  GatherElements: 0,
  Hardmax: -1,
  LogSoftmax: -1,
  LpNormalization: -1,
  ScatterElements: 0,
  Softmax: -1,
};

/** Operators whose results along the axes from `axis` on depend on all elements there. */
const FROM_AXIS: ReadonlySet<string> = new Set(["LayerNormalization", "RMSNormalization"]);

const RECURRENT: ReadonlySet<string> = new Set(["GRU", "LSTM", "RNN"]);

/** The axis of the samples in the states that a recurrent operator starts with. */
const STATES: ReadonlySet<number> = new Set([5, 6]);

/**
 * Whether the operator joins samples that stand along an axis of an input, though its result may have
 * as many. (Where the result has not, that shows by its shape.)
 */
export function mixes(node: Node, index: number, axis: number): boolean {
  const { type } = node.operator as Operator;
  const attrs = node.attrs as Attributes;
  const rank = node.inputs[index]!.shape.length;
  const positive = (value: unknown, absent: number) => {
    const given = typeof value === "number" ? value : absent;
    return given < 0 ? given + rank : given;
  };
  if (Object.hasOwn(ALONG_AXIS, type)) {
    if (type === "Gather" && index !== 0) return false;
    return positive(attrs.axis, ALONG_AXIS[type]) === axis;
  }
  if (FROM_AXIS.has(type)) return index !== 0 || axis >= positive(attrs.axis, -1);
  if (RECURRENT.has(type)) return axis !== batchAxis(attrs);
  switch (type) {
    case "EyeLike":
    case "ScatterND":
      return true;
    case "Trilu":
      return axis >= rank - 2;
    case "GatherND":
      return index === 0 && axis >= positive(attrs.batch_dims, 0);
    case "ReverseSequence":
      return axis === positive(attrs.time_axis, 0);
    case "InstanceNormalization":
    case "GroupNormalization":
    case "LRN":
      return axis !== 0;
    case "MeanVarianceNormalization": {
      const axes = (attrs.axes ?? [0, 2, 3]) as readonly number[];
      return axes.some((a) => positive(a, 0) === axis);
    }
    case "Einsum":
      return !keepsLabel(String(attrs.equation ?? ""), index, axis, rank);
    default:
      return false;
  }
}

const batchAxis = ({ layout }: Attributes): number => (layout === 1 ? 0 : 1);

/** Whether the label of the axis is among those of the result. */
function keepsLabel(equation: string, index: number, axis: number, rank: number): boolean {
  const [left, result] = equation.replaceAll(" ", "").split("->");
  const labels = left.split(",")[index] ?? "";
  const dots = labels.indexOf("...");
  const named = labels.replace("...", "").length;
  if (dots >= 0 && axis >= dots && axis < rank - (named - dots)) return true;
  const label = dots >= 0 && axis >= dots ? labels.at(axis - rank) : labels[axis];
  if (label === undefined) return false;
  if (result !== undefined) return result.includes(label);
  return left.split(label).length === 2;
}

/**
 * The axis along which an input that holds no samples must have one for each: constants beside samples
 * in a Concat, initial states of recurrences. Undefined where one for all will do.
 */
export function repeatedAxis(node: Node, index: number, place: Place): number | undefined {
  const { type } = node.operator as Operator;
  if (type === "Concat") return place.axis;
  if (RECURRENT.has(type) && STATES.has(index)) return batchAxis(node.attrs as Attributes);
  return undefined;
}

export const isSingle = (value: Value, axis: number): boolean =>
  value.shape[axis] === 1 && size(value.shape.filter((d) => typeof d === "number")) > 0;
