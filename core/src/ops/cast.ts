import { type DType, isFloat } from "../ir/tensor.ts";
import { check } from "./check.ts";
import { type Attrs, carry, InvalidNode, need, type Operator, operator } from "./operator.ts";

type CastAttrs = { readonly to: DType };

/** TensorProto.DataType; the 16-bit floats are widened to float32, here as everywhere. */
const codes: Readonly<Record<DType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float64: 11,
  uint32: 12,
  uint64: 13,
};
const FLOAT16 = 10;
const BFLOAT16 = 16;

export const cast: Operator<CastAttrs> = operator<CastAttrs>({
  type: "Cast",
  infer(inputs, { to }) {
    const { dtype, shape } = need(inputs, 0, "Cast");
    check(Object.hasOwn(codes, to), `Cast: to ${to} is not an element type`);
    check(to !== "string" && dtype !== "string", "Cast: strings are not converted");
    return [{ dtype: to, shape }];
  },
  evaluate: ([x], { to }, [{ shape }]) => [
    { dtype: to, shape, data: Float64Array.from(x!.data, converter(to)) },
  ],
  gradient: ([ct], { inputs: [x], attrs }) =>
    isFloat(x!.dtype) && isFloat(attrs.to) ? [cast({ to: x!.dtype }, ct!)] : [undefined],
  channels: (_node, _input, axis) => carry(axis),
  onnx: ({ inputs, attrs }) => ({ inputs, attrs: { to: codes[attrs.to] } }),
  fromOnnx({ inputs, attrs }) {
    const to = attrs.to === FLOAT16 || attrs.to === BFLOAT16 ? codes.float32 : attrs.to;
    const found = Object.entries(codes).find(([, code]) => code === to);
    if (found === undefined) throw new InvalidNode(`Cast: element type ${attrs.to} is unknown`);
    return { inputs, attrs: { to: found[0] } satisfies Attrs };
  },
  examples: [
    { inputs: [[2, 3]], attrs: { to: "float64" } },
    { inputs: [[2, 3]], attrs: { to: "int64" }, note: "rounds towards zero" },
    { inputs: [[2, 3]], attrs: { to: "bool" } },
  ],
});

function converter(to: DType): (x: number) => number {
  if (to === "bool") return (x) => (x === 0 ? 0 : 1);
  return isFloat(to) ? (x) => x : Math.trunc;
}
