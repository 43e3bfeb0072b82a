import { constant, constantOf, type Value } from "../ir/graph.ts";
import { type Dim, int64, known, scalar, size } from "../ir/tensor.ts";
import { check, sameDType } from "./check.ts";
import { mul } from "./mul.ts";
import { need, type Operator, operator, refuse } from "./operator.ts";
import { reduceSum } from "./reduceSum.ts";
import { reshapeTo } from "./reshape.ts";
import { unknownLength } from "./unknownLength.ts";

/** Inputs: start, limit, delta (scalars): start + i·delta as long as that is before limit. */
export const range: Operator<object> = operator<object>({
  type: "Range",
  infer(inputs) {
    const three = [0, 1, 2].map((i) => need(inputs, i, "Range"));
    for (const v of three) {
      sameDType(three[0], v, "Range");
      check(
        v.shape.every((d) => d === 1),
        "Range: start, limit and delta must be scalars",
      );
    }
    return [{ dtype: three[0].dtype, shape: [count(three)] }];
  },
  evaluate([start, , delta], _attrs, [{ dtype, shape }]) {
    const data = Float64Array.from(
      { length: size(shape) },
      (_, i) => start!.data[0] + i * delta!.data[0],
    );
    return [{ dtype, shape, data }];
  },
  /** Start moves every element alike, delta the i-th by i; the limit moves none. */
  gradient([ct], { inputs: [start, , delta] }) {
    const steps = Float32Array.from({ length: known(ct!.shape)[0] }, (_, i) => i);
    const index = constant({ dtype: ct!.dtype, shape: [steps.length], data: steps });
    const summed = (v: Value, to: Value) =>
      reshapeTo(reduceSum({ axes: [0], keepdims: 0 }, v), known(to.shape));
    return [summed(ct!, start!), undefined, summed(mul({}, ct!, index), delta!)];
  },
  channels: () => refuse("a range has no units"),
  examples: [
    { inputs: [int64([], [3]), int64([], [10]), int64([], [3])], attrs: {} },
    { inputs: [scalar(1), scalar(-1), scalar(-0.5)], attrs: {}, constants: [0, 1, 2] },
    { inputs: [int64([], [3]), int64([], [3]), int64([], [1])], attrs: {}, note: "nothing" },
  ],
});

function count(three: readonly Value[]): Dim {
  const tensors = three.map((v) => constantOf(v));
  if (tensors.includes(undefined)) return unknownLength("Range", three);
  const [start, limit, delta] = tensors.map((t) => t!.data[0]);
  check(delta !== 0, "Range: delta is 0");
  const found = Math.max(0, Math.ceil((limit - start) / delta));
  check(Number.isSafeInteger(found), "Range: it does not end");
  return found;
}
