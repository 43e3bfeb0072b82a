import { constant, constantOf, type Value } from "../ir/graph.ts";
import { type Dim, int64, known, type Shape, sameShape } from "../ir/tensor.ts";
import { check, constantNumbers, flag, show } from "./check.ts";
import { product, quotient } from "./dims.ts";
import { type ChannelRule, need, type Operator, operator, refuse } from "./operator.ts";

type ReshapeAttrs = { readonly allowzero?: number };

/** Inputs: data, and its new shape as a constant: 0 copies a length (unless `allowzero`), −1 is inferred. */
export const reshape: Operator<ReshapeAttrs> = operator<ReshapeAttrs>({
  type: "Reshape",
  infer(inputs, attrs) {
    const x = need(inputs, 0, "Reshape");
    const wanted = constantNumbers(need(inputs, 1, "Reshape"), "Reshape: shape");
    return [{ dtype: x.dtype, shape: resolve(x.shape, wanted, attrs) }];
  },
  evaluate: ([x], _attrs, [{ dtype, shape }]) => [{ dtype, shape, data: x!.data }],
  gradient: ([ct], { inputs: [x] }) => [reshapeTo(ct!, known(x!.shape)), undefined],
  channels({ inputs: [x, shape], outputs: [y] }, input, axis) {
    if (input !== 0) return refuse("a shape has no units");
    const rule = regroup(x!.shape, y.shape, axis, "Reshape");
    const names = rule.kind === "carry" && constantOf(shape)!.data[rule.axis] > 0;
    return names ? { ...rule, target: { input: 1 } } : rule;
  },
  examples: [
    { inputs: [[2, 3, 4], int64([2], [0, -1])], attrs: {}, note: "merges the last axes" },
    { inputs: [[2, 3, 4], int64([2], [-1, 12])], attrs: {} },
    { inputs: [[2, 6], int64([3], [2, 3, 2])], attrs: {}, note: "splits an axis" },
    { inputs: [[4, 3, 2], int64([4], [2, 2, 3, 2])], attrs: {} },
  ],
});

/** The value in another shape; itself if it has that shape already. */
export const reshapeTo = (value: Value, shape: readonly number[]): Value =>
  sameShape(value.shape, shape)
    ? value
    : reshape({ allowzero: 1 }, value, constant(int64([shape.length], shape)));

function resolve(from: Shape, wanted: readonly number[], { allowzero }: ReshapeAttrs): Shape {
  const copies = !flag(allowzero, false, "Reshape: allowzero");
  const told = `Reshape: ${show(from)} to ${show(wanted)}`;
  const dims = wanted.map((d, i): Dim => {
    check(Number.isSafeInteger(d) && d >= -1, `${told}: ${d} is not a length`);
    if (d !== 0 || !copies) return d;
    check(i < from.length, `${told}: no axis ${i} to copy`);
    return from[i];
  });
  const open = dims.indexOf(-1);
  check(open === dims.lastIndexOf(-1), `${told}: more than one -1`);
  const rest = dims.filter((d) => d !== -1);
  if (open < 0) {
    check(product(from) === product(rest), `${told}: the number of elements differs`);
    return dims;
  }
  check(!rest.includes(0), `${told}: -1 cannot be inferred beside a 0`);
  const length = quotient(from, rest);
  check(length !== undefined, `${told}: the lengths do not divide`);
  return dims.with(open, length);
}

/**
 * Where an axis goes when axes are merged: the output axis j such that the lengths before the axis are
 * outer times those before j, and the lengths after it inner times those after j. Outer is 0 where it is
 * only known by name: the axis is merged with the batch then.
 */
export function regroup(from: Shape, to: Shape, axis: number, type: string): ChannelRule {
  const before = from.slice(0, axis);
  const after = from.slice(axis + 1);
  for (let j = 0; j < to.length; j++) {
    const outer = quotient(before, to.slice(0, j));
    const inner = quotient(after, to.slice(j + 1));
    if (outer === undefined || typeof inner !== "number") continue;
    if (product([outer, from[axis], inner]) === to[j])
      return {
        kind: "carry",
        axis: j,
        outer: typeof outer === "number" ? outer : 0,
        inner,
        cuts: [],
      };
  }
  return refuse(`${type} splits the axis or merges it with the batch`);
}

/** A part of an axis of the input that is part of an axis of the output, and all of neither. */
export interface Overlap {
  readonly from: number;
  readonly to: number;
  readonly units: number;
  /** How many elements of the input's axis, and of the output's, stand behind each of its units. */
  readonly innerFrom: number;
  readonly innerTo: number;
}

/** Parts that are split off one axis and merged into another at once: heads that go over to the batch. */
export function overlaps(from: Shape, to: Shape): readonly Overlap[] {
  const found: Overlap[] = [];
  let [i, j] = [0, 0];
  let [x, y]: [Dim | undefined, Dim | undefined] = [from[0], to[0]];
  while (x !== undefined && y !== undefined) {
    const ofX: Dim | undefined = quotient([x], [y]);
    const ofY: Dim | undefined = quotient([y], [x]);
    const units = ofX === undefined ? x : y;
    if (ofX === undefined && ofY === undefined) return found;
    const [innerFrom, innerTo] = [ofX ?? 1, ofY ?? 1];
    const inside = units !== from[i] && units !== to[j] && units !== 1;
    if (inside && typeof units === "number" && typeof innerFrom === "number")
      if (typeof innerTo === "number") found.push({ from: i, to: j, units, innerFrom, innerTo });
    x = innerFrom === 1 ? from[++i] : innerFrom;
    y = innerTo === 1 ? to[++j] : innerTo;
  }
  return found;
}
