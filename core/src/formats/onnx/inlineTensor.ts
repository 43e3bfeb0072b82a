import type { Tensor } from "../../ir/tensor.ts";
import { InvalidNode } from "../../ops/operator.ts";
import { elementName, elementOf } from "./elements.ts";
import type { TensorProto } from "./schema.ts";
import { byteSize, typedField, unpack } from "./stored.ts";

/** A small tensor that stands in an attribute, as `value` of ConstantOfShape. Throws InvalidNode. */
export function inlineTensor(proto: TensorProto, what: string): Tensor {
  const wrong = (why: string): never => {
    throw new InvalidNode(`${what} ${why}`);
  };
  const element =
    elementOf(proto.dataType) ?? wrong(`has element type ${elementName(proto.dataType)}`);
  if (element.packing !== undefined)
    wrong(`has element type ${element.name}, which is not supported there`);
  const shape = proto.dims;
  if (shape.some((d) => !Number.isSafeInteger(d) || d < 0)) wrong("has a length below 0");
  if (proto.dataLocation !== 0) wrong("is external");
  const raw = proto.rawData.filter((c) => c.end > c.start);
  const typed = typedField(proto, element);
  const packed = raw.length === 0 && !typed.fixed;
  const chunks = raw.length > 0 ? raw : typed.chunks;
  const parts = chunks.map((c) => c.bytes ?? wrong("is too large for an attribute"));
  const whole = Uint8Array.from(parts.flatMap((part) => [...part]));
  const expected = byteSize({ element, shape });
  const { values, found } = packed
    ? unpack(whole, element.bytes, expected)
    : { values: whole, found: whole.length };
  if (found !== expected) wrong(`needs ${expected} bytes, there are ${found}`);
  return { dtype: element.dtype, shape, data: element.decode(values) };
}
