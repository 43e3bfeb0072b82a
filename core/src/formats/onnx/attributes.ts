import { getTextEncoding } from "@bufbuild/protobuf/wire";
import { type Attr, type Attrs, InvalidNode } from "../../ops/operator.ts";
import type { Chunk } from "./decode.ts";
import { inlineTensor } from "./inlineTensor.ts";
import type { OnnxOperator } from "./operators.ts";
import { type AttributeProto, attributeTypes, type NodeProto } from "./schema.ts";

/** The attributes of a node as ONNX defines them for its operator. Throws InvalidNode for any other. */
export function attributesOf(node: NodeProto, { attributes }: OnnxOperator): Attrs {
  const attrs: Record<string, Attr> = {};
  for (const proto of node.attributes) {
    const name = proto.name;
    const type = attributes.get(name);
    if (type === undefined) throw new InvalidNode(`${node.type} has no attribute "${name}"`);
    if (Object.hasOwn(attrs, name)) throw new InvalidNode(`${node.type}: ${name} is given twice`);
    if (proto.reference !== "")
      throw new InvalidNode(`${node.type}: ${name} refers to a function's attribute`);
    const code = attributeTypes[type as keyof typeof attributeTypes];
    // Before IR version 2 attributes did not tell their type.
    if (proto.type !== code && proto.type !== 0)
      throw new InvalidNode(`${node.type}: ${name} has attribute type ${proto.type}, not ${code}`);
    attrs[name] = decoded(proto, type);
  }
  return attrs;
}

function decoded(proto: AttributeProto, type: string): Attr {
  switch (type) {
    case "i":
      return proto.i;
    case "f":
      return proto.f;
    case "s":
      return text(proto.s.at(-1), proto.name);
    case "is":
      return proto.ints.map(exact);
    case "fs":
      return proto.floats;
    case "ss":
      return proto.strings.map((chunk) => text(chunk, proto.name));
    case "t":
      if (proto.t === undefined) throw new InvalidNode(`attribute ${proto.name} holds no tensor`);
      return inlineTensor(proto.t, `attribute ${proto.name}`);
    default:
      throw new InvalidNode(`attribute ${proto.name} of type ${type} is not supported`);
  }
}

/** Exporters write ±2^63 for the ends of an axis: what a float64 holds exactly is far enough. */
const exact = (n: number): number =>
  Math.max(Number.MIN_SAFE_INTEGER, Math.min(n, Number.MAX_SAFE_INTEGER));

/** Strings are bytes in attributes; other operators than ours keep whole programs in them. */
function text(chunk: Chunk | undefined, name: string): string {
  if (chunk === undefined) return "";
  if (chunk.bytes === undefined) throw new InvalidNode(`attribute ${name} is too long`);
  return getTextEncoding().decodeUtf8(chunk.bytes);
}
