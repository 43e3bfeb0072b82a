import { constant, type Value } from "../ir/graph.ts";
import { known, size, strides } from "../ir/tensor.ts";
import { cutting } from "./channels.ts";
import { check, sameDType } from "./check.ts";
import { type Equation, parseEinsum, writeEinsum } from "./einsumEquation.ts";
import { filled } from "./literal.ts";
import { carry, consume, need, type Operator, operator, refuse } from "./operator.ts";
import { reshapeTo } from "./reshape.ts";

type EinsumAttrs = { readonly equation: string };

/** Sums of products over labelled axes. */
export const einsum: Operator<EinsumAttrs> = operator<EinsumAttrs>({
  type: "Einsum",
  infer(inputs, attrs) {
    check(inputs.length > 0, "Einsum: there are no inputs");
    const operands = inputs.map((_, i) => need(inputs, i, "Einsum"));
    for (const v of operands) sameDType(operands[0], v, "Einsum");
    const { output, lengths } = read(operands, attrs);
    return [{ dtype: operands[0].dtype, shape: output.map((label) => lengths[label]) }];
  },
  evaluate(inputs, attrs, [{ dtype, shape }]) {
    const operands = inputs.map((t) => t!);
    const equation = read(operands, attrs);
    const lengths = known(equation.lengths);
    /** How far a step along each label moves in a tensor: repeated labels move along its diagonal. */
    const steps = (labels: readonly number[], dims: readonly number[]) => {
      const own = strides(dims);
      const result = lengths.map(() => 0);
      labels.forEach((label, d) => {
        if (dims[d] > 1) result[label] += own[d];
      });
      return result;
    };
    const from = operands.map((t, i) => steps(equation.operands[i], t.shape));
    const to = steps(equation.output, shape);
    const data = new Float64Array(size(shape));
    const own = strides(lengths);
    for (let n = 0; n < size(lengths); n++) {
      const at = lengths.map((length, l) => Math.floor(n / own[l]) % length);
      const offset = (step: readonly number[]) => step.reduce((sum, s, l) => sum + s * at[l], 0);
      data[offset(to)] += operands.reduce((p, t, i) => p * t.data[offset(from[i])], 1);
    }
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs, attrs }) {
    const operands = inputs as readonly Value[];
    const equation = read(operands, attrs);
    return operands.map((_, i) => cotangentOf(i, ct!, operands, equation));
  },
  channels(node, input, axis) {
    const operands = node.inputs as readonly Value[];
    const { operands: labels, output } = read(operands, node.attrs);
    const label = labels[input][axis];
    if (labels[input].indexOf(label) !== labels[input].lastIndexOf(label))
      return refuse("Einsum takes a diagonal along the axis");
    const cuts = labels.flatMap((others, i) =>
      i === input
        ? []
        : others.flatMap((other, d) =>
            other === label && operands[i].shape[d] !== 1 ? [{ input: i, axis: d }] : [],
          ),
    );
    const to = output.indexOf(label);
    return cutting(node, cuts, (present) => (to < 0 ? consume(present) : carry(to, present)));
  },
  macs: ({ inputs, attrs }) => size(known(read(inputs as readonly Value[], attrs).lengths)),
  examples: [
    {
      inputs: [
        [2, 3, 2],
        [2, 2, 3],
      ],
      attrs: { equation: "bij,bjk->bik" },
    },
    { inputs: [[2, 3], [3, 2], [2]], attrs: { equation: "ij,jk,k" }, note: "three, no arrow" },
    {
      inputs: [
        [2, 2, 3],
        [1, 3, 2],
      ],
      attrs: { equation: "...ij, ...jk -> ...ik" },
      note: "the ellipsis broadcasts",
    },
    { inputs: [[2, 3, 3]], attrs: { equation: "...ii->...i" }, note: "a diagonal" },
    { inputs: [[3, 3]], attrs: { equation: "ii" }, note: "the trace" },
    { inputs: [[2, 3, 2]], attrs: { equation: "ijk->kj" }, note: "a sum over an axis of its own" },
    { inputs: [[2, 3], [4]], attrs: { equation: "ij,k->ikj" }, constants: [1] },
  ],
});

const read = (operands: readonly { readonly shape: Value["shape"] }[], attrs: EinsumAttrs) =>
  parseEinsum(
    attrs.equation,
    operands.map((v) => v.shape),
  );

/**
 * The product of the cotangent and the other operands, summed to the labels of operand i. A label that
 * the operand repeats stands once on the diagonal: an identity matrix gives the axes their own labels.
 * Labels that are nowhere else come from ones.
 */
function cotangentOf(
  i: number,
  ct: Value,
  operands: readonly Value[],
  { operands: labels, output, lengths }: Equation,
): Value {
  const shape = known(operands[i].shape);
  const values = [ct, ...operands.filter((_, k) => k !== i)];
  const terms: (readonly number[])[] = [output, ...labels.filter((_, k) => k !== i)];
  let fresh = lengths.length;
  const target: number[] = [];
  labels[i].forEach((label, axis) => {
    if (shape[axis] === 1) return;
    if (!target.includes(label)) {
      target.push(label);
      return;
    }
    values.push(eye(ct, shape[axis]));
    terms.push([label, fresh]);
    target.push(fresh++);
  });
  for (const label of target.filter((l) => !terms.some((term) => term.includes(l)))) {
    values.push(filled(ct, [known(lengths)[label]], 1));
    terms.push([label]);
  }
  return reshapeTo(einsum({ equation: writeEinsum(terms, target) }, ...values), shape);
}

function eye({ dtype }: Value, n: number): Value {
  const data = new (dtype === "float64" ? Float64Array : Float32Array)(n * n);
  for (let d = 0; d < n; d++) data[d * (n + 1)] = 1;
  return constant({ dtype, shape: [n, n], data });
}
