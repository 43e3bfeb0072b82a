import type { Node, Value } from "../ir/graph.ts";
import { type Dim, type DType, known, type Shape, sameShape, size, strides } from "../ir/tensor.ts";
import { needDType, sameDType } from "./check.ts";
import {
  type Attrs,
  type ChannelRule,
  type Cut,
  carry,
  type Example,
  InvalidNode,
  need,
  type Operator,
  operator,
  refuse,
} from "./operator.ts";
import { reduceSum } from "./reduceSum.ts";
import { reshapeTo } from "./reshape.ts";

/** Multidirectional (NumPy) broadcasting. */
export function broadcast(a: Shape, b: Shape, type: string): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i): Dim => {
    const x = a[i - rank + a.length] ?? 1;
    const y = b[i - rank + b.length] ?? 1;
    if (x === y || y === 1) return x;
    if (x === 1) return y;
    throw new InvalidNode(`${type}: [${a.join(", ")}] and [${b.join(", ")}] do not broadcast`);
  });
}

/** For each element of `to`, the offset of the element of `from` that broadcasting reads there. */
export function broadcastOffsets(from: readonly number[], to: readonly number[]): Int32Array {
  const own = strides(from);
  const step = to.map((_, i) => {
    const d = i - to.length + from.length;
    return d < 0 || from[d] === 1 ? 0 : own[d];
  });
  const offsets = new Int32Array(size(to));
  const at = new Array<number>(to.length).fill(0);
  let offset = 0;
  for (let i = 0; i < offsets.length; i++) {
    offsets[i] = offset;
    for (let d = to.length - 1; d >= 0; d--) {
      offset += step[d];
      if (++at[d] < to[d]) break;
      offset -= step[d] * to[d];
      at[d] = 0;
    }
  }
  return offsets;
}

/** Sums a cotangent over the axes along which its primal was broadcast. */
export function unbroadcast(ct: Value, to: Value): Value {
  if (sameShape(ct.shape, to.shape)) return ct;
  const extra = ct.shape.length - to.shape.length;
  const axes = ct.shape.flatMap((d, i) =>
    i < extra || (to.shape[i - extra] === 1 && d !== 1) ? [i] : [],
  );
  return reshapeTo(axes.length === 0 ? ct : reduceSum({ axes, keepdims: 1 }, ct), known(to.shape));
}

/** Defines an elementwise operator of two broadcast inputs. */
export function binary(definition: {
  type: string;
  of(a: number, b: number, dtype: DType): number;
  /** Cotangents before un-broadcasting. */
  gradient: "none" | ((ct: Value, a: Value, b: Value, node: Node) => readonly [Value, Value]);
  /** The only element type it takes. */
  takes?: DType;
  /** The element type of the result, where that differs. */
  result?: DType;
  examples?: readonly Example<object>[];
}): Operator<object> {
  const { type, of, gradient } = definition;
  return operator<object>({
    type,
    infer: (inputs) => {
      const a = need(inputs, 0, type);
      const b = need(inputs, 1, type);
      sameDType(a, b, type);
      if (definition.takes !== undefined) needDType(a, definition.takes, type);
      return [{ dtype: definition.result ?? a.dtype, shape: broadcast(a.shape, b.shape, type) }];
    },
    evaluate: ([a, b], _attrs, [t]) => {
      const left = broadcastOffsets(a!.shape, t.shape);
      const right = broadcastOffsets(b!.shape, t.shape);
      const data = new Float64Array(left.length);
      for (let i = 0; i < data.length; i++)
        data[i] = of(a!.data[left[i]], b!.data[right[i]], a!.dtype);
      return [{ dtype: t.dtype, shape: t.shape, data }];
    },
    gradient:
      gradient === "none"
        ? "none"
        : ([ct], node) => {
            const [a, b] = node.inputs as [Value, Value];
            const [da, db] = gradient(ct!, a, b, node as unknown as Node<Attrs>);
            return [unbroadcast(da, a), unbroadcast(db, b)];
          },
    channels: (node, input, axis) => broadcastRule(node as unknown as Node, input, axis),
    examples: definition.examples ?? [
      {
        inputs: [
          [2, 3],
          [2, 3],
        ],
        attrs: {},
      },
      {
        inputs: [
          [2, 3, 2],
          [3, 1],
        ],
        attrs: {},
        constants: [1],
        note: "a value for each channel",
      },
      {
        inputs: [
          [2, 1, 2],
          [3, 1],
        ],
        attrs: {},
        note: "broadcasts both ways",
      },
      { inputs: [[1], [2, 2]], attrs: {} },
    ],
  });
}

/** The other operands are cut too where they vary along the axis. */
export function broadcastRule(node: Node, input: number, axis: number): ChannelRule {
  const { type } = node.operator as Operator;
  const rank = node.outputs[0].shape.length;
  const self = node.inputs[input]!;
  const out = axis + rank - self.shape.length;
  if (node.outputs[0].shape[out] !== self.shape[axis])
    return refuse(`${type} repeats a single unit along the axis`);
  const cuts = node.inputs.flatMap((other, i): Cut[] => {
    const there = out - rank + (other?.shape.length ?? 0);
    return i === input || other === undefined || there < 0 || other.shape[there] === 1
      ? []
      : [{ input: i, axis: there }];
  });
  return carry(out, cuts);
}
