import type { Node, Value } from "../ir/graph.ts";
import { type Dim, known, type Shape, size } from "../ir/tensor.ts";
import { broadcast, broadcastOffsets, unbroadcast } from "./broadcast.ts";
import { equalDims, rankFrom, sameDType } from "./check.ts";
import {
  type ChannelRule,
  carry,
  consume,
  need,
  type Operator,
  operator,
  refuse,
} from "./operator.ts";
import { reshapeTo } from "./reshape.ts";
import { transpose } from "./transpose.ts";

/** Matrix product of the last two axes; the axes before them broadcast; vectors count as matrices. */
export const matMul: Operator<object> = operator<object>({
  type: "MatMul",
  infer(inputs) {
    const [a, b] = [need(inputs, 0, "MatMul"), need(inputs, 1, "MatMul")];
    sameDType(a, b, "MatMul");
    rankFrom(a, 1, "MatMul: the left operand");
    rankFrom(b, 1, "MatMul: the right operand");
    const { left, right, batch } = matrices(a.shape, b.shape);
    equalDims(left.at(-1)!, right.at(-2)!, "MatMul: inner lengths");
    const rows = a.shape.length === 1 ? [] : [left.at(-2)!];
    const columns = b.shape.length === 1 ? [] : [right.at(-1)!];
    return [{ dtype: a.dtype, shape: [...batch, ...rows, ...columns] }];
  },
  evaluate([a, b], _attrs, [{ dtype, shape }]) {
    const { left, right, batch } = matrices(a!.shape, b!.shape) as Matrices<number>;
    const [m, k, n] = [left.at(-2)!, left.at(-1)!, right.at(-1)!];
    const as = broadcastOffsets(left.slice(0, -2), batch);
    const bs = broadcastOffsets(right.slice(0, -2), batch);
    const data = new Float64Array(size(shape));
    for (let i = 0; i < data.length; i++) {
      const [page, row, column] = [Math.floor(i / (m * n)), Math.floor(i / n) % m, i % n];
      let sum = 0;
      for (let l = 0; l < k; l++)
        sum += a!.data[(as[page] * m + row) * k + l] * b!.data[(bs[page] * k + l) * n + column];
      data[i] = sum;
    }
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs: [a, b] }) {
    const { left, right, batch } = matrices(a!.shape, b!.shape) as Matrices<number>;
    const [a2, b2] = [reshapeTo(a!, left), reshapeTo(b!, right)];
    const whole = reshapeTo(ct!, [...batch, left.at(-2)!, right.at(-1)!]);
    const da = unbroadcast(matMul({}, whole, swapped(b2)), a2);
    const db = unbroadcast(matMul({}, swapped(a2), whole), b2);
    return [reshapeTo(da, known(a!.shape)), reshapeTo(db, known(b!.shape))];
  },
  channels(node, input, axis) {
    const self = node.inputs[input]!;
    const other = node.inputs[1 - input]!;
    const fromEnd = self.shape.length - axis;
    const inner = fromEnd === (input === 0 || self.shape.length === 1 ? 1 : 2);
    if (inner) {
      const there = other.shape.length - (input === 0 && other.shape.length > 1 ? 2 : 1);
      return consume([{ input: 1 - input, axis: there }]);
    }
    return outer(node, input, fromEnd);
  },
  macs({ inputs: [a], outputs: [y] }) {
    return size(known(y.shape)) * known(a!.shape).at(-1)!;
  },
  examples: [
    {
      inputs: [
        [2, 3],
        [3, 4],
      ],
      attrs: {},
      constants: [1],
    },
    {
      inputs: [
        [2, 1, 2, 3],
        [3, 3, 2],
      ],
      attrs: {},
      note: "the axes before the matrices broadcast",
    },
    { inputs: [[3], [2, 3, 2]], attrs: {}, note: "a vector is a row" },
    { inputs: [[2, 2, 3], [3]], attrs: {}, constants: [1] },
  ],
});

interface Matrices<D> {
  readonly left: readonly D[];
  readonly right: readonly D[];
  readonly batch: readonly D[];
}

function matrices(a: Shape, b: Shape): Matrices<Dim> {
  const left = a.length === 1 ? [1, a[0]] : a;
  const right = b.length === 1 ? [b[0], 1] : b;
  return { left, right, batch: broadcast(left.slice(0, -2), right.slice(0, -2), "MatMul") };
}

/** An axis that is not summed over: rows, columns, or one that broadcasts. */
function outer(node: Node<object>, input: number, fromEnd: number): ChannelRule {
  const [a, b] = node.inputs as readonly [Value, Value];
  const other = input === 0 ? b : a;
  const y = node.outputs[0].shape;
  if (input === 1 && fromEnd === 1) return carry(y.length - 1);
  const lost = a.shape.length === 1 || b.shape.length === 1 ? 1 : 0;
  const out = y.length + lost - fromEnd;
  if (fromEnd === 2) return carry(out);
  if (node.inputs[input]!.shape.at(-fromEnd) !== y[out])
    return refuse("MatMul repeats a single unit along the axis");
  const there = other.shape.length - fromEnd;
  const cuts = there < 0 || other.shape[there] === 1 ? [] : [{ input: 1 - input, axis: there }];
  return carry(out, cuts);
}

const swapped = (x: Value): Value => {
  const rank = x.shape.length;
  const perm = x.shape.map((_, i) => (i < rank - 2 ? i : 2 * rank - 3 - i));
  return transpose({ perm }, x);
};
