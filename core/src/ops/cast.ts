import type { Value } from "../ir/graph.ts";
import { OTHER_TYPES } from "../ir/otherTypes.ts";
import { type DType, isFloat } from "../ir/tensor.ts";
import { check } from "./check.ts";
import { type Attrs, carry, InvalidNode, need, type Operator, operator } from "./operator.ts";

type CastAttrs = {
  readonly to: DType;
  /** The integers stand for the numbers that were cast, and have their cotangents. Only in graphs made here. */
  readonly straight?: number;
};

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
  gradient([ct], { inputs: [x], attrs }) {
    const from = isFloat(x!.dtype) || isStraight(x!);
    const to = isFloat(attrs.to) || attrs.straight === 1;
    if (!from || !to) return [undefined];
    return [isFloat(x!.dtype) ? cast({ to: x!.dtype }, ct!) : ct];
  },
  channels: (_node, _input, axis) => carry(axis),
  onnx: ({ inputs, attrs }) => ({ inputs, attrs: { to: codes[attrs.to] } }),
  fromOnnx: ({ inputs, attrs }) => ({
    inputs,
    attrs: {
      to: dtypeOfCode(attrs.to, "Cast"),
      ...(attrs.straight === 1 && { straight: 1 }),
    } satisfies Attrs,
  }),
  examples: [
    { inputs: [[2, 3]], attrs: { to: "float64" } },
    { inputs: [[2, 3]], attrs: { to: "int64" }, note: "rounds towards zero" },
    { inputs: [[2, 3]], attrs: { to: "bool" } },
  ],
});

/** The element type of a TensorProto.DataType. Throws InvalidNode where there is none. */
export function dtypeOfCode(code: unknown, type: string): DType {
  const held = code === FLOAT16 || code === BFLOAT16 ? codes.float32 : code;
  const found = (Object.keys(codes) as DType[]).find((dtype) => codes[dtype] === held);
  if (found === undefined)
    throw new InvalidNode(
      `${type}: element type ${OTHER_TYPES[Number(code)] ?? code} is not supported`,
    );
  return found;
}

export const codeOfDType = (dtype: DType): number => codes[dtype];

const isStraight = ({ node }: Value): boolean =>
  node.operator === (cast as unknown) && (node.attrs as CastAttrs).straight === 1;

function converter(to: DType): (x: number) => number {
  if (to === "bool") return (x) => (x === 0 ? 0 : 1);
  return isFloat(to) ? (x) => x : Math.trunc;
}
