import { constant } from "../../../../ir/graph.ts";
import { float32 } from "../../../../ir/tensor.ts";
import { InvalidNode } from "../../../../ops/operator.ts";
import type { Call, Converter } from "../call.ts";
import { type Held, plain, rankOf } from "../held.ts";

/** dims, value. */
const fill: Converter = (call) => {
  const shape = call.numbers(0);
  return plain(call.apply("Expand", {}, call.plain(1), call.integers(shape)));
};

const repeated = (call: Call, value: number): Held => {
  const integer = (call.attributes.dtype("T") ?? call.attributes.dtype("dtype")) === "int32";
  const one = constant(
    integer ? { dtype: "int32", shape: [], data: Int32Array.of(value) } : float32([], [value]),
  );
  return plain(call.apply("Expand", {}, one, call.integers(call.numbers(0))));
};

const MOST = 2 ** 24;

/** start, limit, delta. */
const range: Converter = (call) => {
  const [start, limit, delta] = [0, 1, 2].map((i) => call.numbers(i)[0]);
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (!(count <= MOST)) throw new InvalidNode(`a range of ${count} numbers is not supported`);
  const first = call.inputs[0];
  const float = first.kind === "tensor" && first.value.dtype === "float32";
  const data = Float32Array.from({ length: count }, (_, i) => start + i * delta);
  return plain(
    constant(
      float
        ? float32([count], data)
        : { dtype: "int32", shape: [count], data: Int32Array.from(data) },
    ),
  );
};

/** indices, depth, value where it is, value elsewhere. */
const oneHot: Converter = (call) => {
  const [depth] = call.numbers(1);
  const axis = call.axis(call.attributes.int("axis", -1), rankOf(call.tensor(0)) + 1);
  const values = [3, 2].map((i) => call.reshape(call.plain(i), [1]));
  const indices = call.apply("Cast", { to: 7 }, call.plain(0));
  return plain(
    call.apply(
      "OneHot",
      { axis },
      indices,
      call.integers([depth]),
      call.apply("Concat", { axis: 0 }, ...values),
    ),
  );
};

/** start, stop, how many. */
const linSpace: Converter = (call) => {
  const [start, stop, count] = [0, 1, 2].map((i) => call.numbers(i)[0]);
  if (!(count >= 1 && count <= MOST)) throw new InvalidNode(`${count} numbers are not supported`);
  const step = count === 1 ? 0 : (stop - start) / (count - 1);
  return plain(
    constant(
      float32(
        [count],
        Float32Array.from({ length: count }, (_, i) => start + i * step),
      ),
    ),
  );
};

export const creation: Readonly<Record<string, Converter>> = {
  Fill: fill,
  LinSpace: linSpace,
  OneHot: oneHot,
  Ones: (call) => repeated(call, 1),
  Range: range,
  Zeros: (call) => repeated(call, 0),
};
