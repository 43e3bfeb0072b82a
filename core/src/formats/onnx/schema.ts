import { type Decoded, message } from "./decode.ts";

/**
 * The parts of onnx.proto that Kaibo reads. Whatever is not listed here (quantisation notes, newer
 * fields) is neither read nor touched by edits.
 */
const entry = message("StringStringEntryProto", { key: [1, "string"], value: [2, "string"] });

const tensor = message("TensorProto", {
  dims: [1, "ints"],
  dataType: [2, "int"],
  segment: [3, "chunks"],
  floatData: [4, "chunks"],
  int32Data: [5, "chunks"],
  int64Data: [7, "chunks"],
  name: [8, "string"],
  rawData: [9, "chunks"],
  doubleData: [10, "chunks"],
  uint64Data: [11, "chunks"],
  externalData: [13, [entry]],
  dataLocation: [14, "int"],
});

const attribute = message("AttributeProto", {
  name: [1, "string"],
  f: [2, "float"],
  i: [3, "int"],
  s: [4, "chunks"],
  t: [5, tensor],
  floats: [7, "floats"],
  ints: [8, "ints"],
  // Graphs hold nodes again: only their place is kept, and they are decoded when they are needed.
  g: [6, "chunks"],
  strings: [9, "chunks"],
  type: [20, "int"],
  reference: [21, "string"],
});

const node = message("NodeProto", {
  inputs: [1, "strings"],
  outputs: [2, "strings"],
  name: [3, "string"],
  type: [4, "string"],
  attributes: [5, [attribute]],
  domain: [7, "string"],
  overload: [8, "string"],
  metadata: [9, [entry]],
});

const dimension = message("TensorShapeProto.Dimension", {
  value: [1, "int"],
  param: [2, "string"],
  denotation: [3, "string"],
});
const shape = message("TensorShapeProto", { dims: [1, [dimension]] });
const tensorType = message("TypeProto.Tensor", { elementType: [1, "int"], shape: [2, shape] });
const type = message("TypeProto", { tensor: [1, tensorType] });
const valueInfo = message("ValueInfoProto", { name: [1, "string"], type: [2, type] });

const sparse = message("SparseTensorProto", { values: [1, tensor] });

export const graphSchema = message("GraphProto", {
  nodes: [1, [node]],
  name: [2, "string"],
  initializers: [5, [tensor]],
  inputs: [11, [valueInfo]],
  outputs: [12, [valueInfo]],
  valueInfo: [13, [valueInfo]],
  sparse: [15, [sparse]],
});

const opset = message("OperatorSetIdProto", { domain: [1, "string"], version: [2, "int"] });

const functionProto = message("FunctionProto", {
  name: [1, "string"],
  inputs: [4, "strings"],
  outputs: [5, "strings"],
  attributes: [6, "strings"],
  nodes: [7, [node]],
  opsets: [9, [opset]],
  domain: [10, "string"],
  defaults: [11, [attribute]],
  overload: [13, "string"],
});

export const modelSchema = message("ModelProto", {
  irVersion: [1, "int"],
  producerName: [2, "string"],
  producerVersion: [3, "string"],
  domain: [4, "string"],
  modelVersion: [5, "int"],
  docString: [6, "string"],
  graph: [7, graphSchema],
  opsets: [8, [opset]],
  metadata: [14, [entry]],
  functions: [25, [functionProto]],
});

export type ModelProto = Decoded<typeof modelSchema>;
export type GraphProto = Decoded<typeof graphSchema>;
export type FunctionProto = Decoded<typeof functionProto>;
export type NodeProto = Decoded<typeof node>;
export type AttributeProto = Decoded<typeof attribute>;
export type TensorProto = Decoded<typeof tensor>;
export type ValueInfoProto = Decoded<typeof valueInfo>;

/** AttributeProto.AttributeType */
export const attributeTypes = { f: 1, i: 2, s: 3, t: 4, fs: 6, is: 7, ss: 8 } as const;
