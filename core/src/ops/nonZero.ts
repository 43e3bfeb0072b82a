import { constantOf } from "../ir/graph.ts";
import { size, strides, tensor } from "../ir/tensor.ts";
import { need, type Operator, operator, refuse } from "./operator.ts";
import { unknownLength } from "./unknownLength.ts";

/** The indices of the elements that are not 0: one row for each axis, one column for each element. */
export const nonZero: Operator<object> = operator<object>({
  type: "NonZero",
  infer(inputs) {
    const x = need(inputs, 0, "NonZero");
    const tensor = constantOf(x);
    const found = tensor && Array.from(tensor.data).filter((v) => v !== 0).length;
    return [{ dtype: "int64", shape: [x.shape.length, found ?? unknownLength("NonZero", [x])] }];
  },
  evaluate([x], _attrs, [{ dtype, shape }]) {
    const own = strides(x!.shape);
    const places = Array.from({ length: size(x!.shape) }, (_, i) => i).filter(
      (i) => x!.data[i] !== 0,
    );
    const rows = own.flatMap((step, d) => places.map((i) => Math.floor(i / step) % x!.shape[d]));
    return [{ dtype, shape, data: Float64Array.from(rows) }];
  },
  gradient: "none",
  channels: () => refuse("NonZero names units by index"),
  examples: [
    { inputs: [tensor("bool", [2, 3], Uint8Array.of(1, 0, 1, 0, 0, 1))], attrs: {} },
    {
      inputs: [tensor("float32", [3], Float32Array.of(0, -1, 2))],
      attrs: {},
      constants: [0],
    },
  ],
});
