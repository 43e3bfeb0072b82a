import assert from "node:assert/strict";
import type { ByteSource } from "#core/data/dataset.ts";
import { noSiblings, type Siblings } from "#core/formats/format.ts";
import type { Model } from "#core/formats/model.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { concat, delimited, type Pieces, varint } from "#core/formats/onnx/pieces.ts";
import { type Problem, describe as show } from "#core/problem.ts";

export const sourceOf = (bytes: Uint8Array, name = "tiny.onnx"): ByteSource => ({
  name,
  size: bytes.length,
  async read(offset, length) {
    assert.ok(
      offset >= 0 && length >= 0 && offset + length <= bytes.length,
      "reads outside the file",
    );
    return bytes.slice(offset, offset + length);
  },
});

export const siblingsOf = (files: Record<string, Uint8Array>): Siblings => ({
  open: async (path) => (Object.hasOwn(files, path) ? sourceOf(files[path]!, path) : undefined),
});

export const readBytes = (bytes: Uint8Array, siblings: Siblings = noSiblings) =>
  onnx.read(sourceOf(bytes), siblings);

/** The model, which must have no problems. */
export async function readWell(bytes: Uint8Array, siblings?: Siblings): Promise<Model> {
  const { model, problems } = await readBytes(bytes, siblings);
  assert.deepEqual(problems.map(show), []);
  assert.ok(model !== undefined && !model.partial);
  return model;
}

export const lines = (problems: readonly Problem[]): string[] => problems.map(show);

export async function bytesOf(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const piece of pieces) all.push(piece);
  return concat(all);
}

/** Messages written field by field, so that tests can say anything a file may say. */
export interface FileParts {
  readonly opset?: number;
  readonly ir?: number;
  readonly nodes: readonly Pieces[];
  readonly tensors?: readonly Pieces[];
  readonly inputs?: readonly Pieces[];
  readonly outputs?: readonly Pieces[];
  readonly values?: readonly Pieces[];
  /** More fields of the graph and of the model. */
  readonly inGraph?: Pieces;
  readonly inModel?: Pieces;
}

export function fileOf(parts: FileParts): Uint8Array {
  const { opset = 21, ir = 8, nodes, tensors = [], inputs = [], outputs = [], values = [] } = parts;
  const list = (field: number, messages: readonly Pieces[]) =>
    messages.flatMap((m) => delimited(field, m));
  const graph = [
    ...list(1, nodes),
    ...delimited(2, "g"),
    ...list(5, tensors),
    ...list(11, inputs),
    ...list(12, outputs),
    ...list(13, values),
    ...(parts.inGraph ?? []),
  ];
  return concat([
    varint(1, ir),
    ...delimited(2, "hand"),
    ...delimited(7, graph),
    ...delimited(8, [varint(2, opset)]),
    ...(parts.inModel ?? []),
  ]);
}

export const nodeOf = (
  type: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: readonly Pieces[] = [],
  { name = "", domain = "" } = {},
): Pieces => [
  ...inputs.flatMap((n) => delimited(1, n)),
  ...outputs.flatMap((n) => delimited(2, n)),
  ...(name === "" ? [] : delimited(3, name)),
  ...delimited(4, type),
  ...attributes.flatMap((a) => delimited(5, a)),
  ...(domain === "" ? [] : delimited(7, domain)),
];

export const intAttr = (name: string, value: number): Pieces => [
  ...delimited(1, name),
  varint(3, value),
  varint(20, 2),
];

export const intsAttr = (name: string, values: readonly number[]): Pieces => [
  ...delimited(1, name),
  ...values.map((v) => varint(8, v)),
  varint(20, 7),
];

export const floatAttr = (name: string, value: number): Pieces => [
  ...delimited(1, name),
  Uint8Array.of((2 << 3) | 5, ...bytesLE(Float32Array.of(value))),
  varint(20, 1),
];

export const tensorAttr = (name: string, tensor: Pieces): Pieces => [
  ...delimited(1, name),
  ...delimited(5, tensor),
  varint(20, 4),
];

export const bytesLE = (data: ArrayBufferView): Uint8Array =>
  new Uint8Array(data.buffer, data.byteOffset, data.byteLength);

/** A TensorProto with its data in whatever fields are given. */
export const tensorOf = (
  name: string,
  type: number,
  dims: readonly number[],
  data: Pieces,
): Pieces => [...dims.map((d) => varint(1, d)), varint(2, type), ...delimited(8, name), ...data];

export const floats = (name: string, dims: readonly number[], values: readonly number[]): Pieces =>
  tensorOf(name, 1, dims, delimited(9, bytesLE(Float32Array.from(values))));

export const int64s = (name: string, values: readonly number[]): Pieces =>
  tensorOf(name, 7, [values.length], delimited(9, bytesLE(BigInt64Array.from(values, BigInt))));

export const info = (name: string, dims: readonly (number | string)[], type = 1): Pieces => {
  const shape = dims.flatMap((d) =>
    delimited(1, typeof d === "number" ? [varint(1, d)] : delimited(2, d)),
  );
  const tensor = [varint(1, type), ...delimited(2, shape)];
  return [...delimited(1, name), ...delimited(2, delimited(1, tensor))];
};

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

export interface FunctionParts {
  readonly name: string;
  readonly domain?: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes?: readonly string[];
  readonly defaults?: readonly Pieces[];
  readonly nodes: readonly Pieces[];
}

/** A FunctionProto, as a field of the model. */
export const functionOf = (parts: FunctionParts): Pieces =>
  delimited(25, [
    ...delimited(1, parts.name),
    ...parts.inputs.flatMap((n) => delimited(4, n)),
    ...parts.outputs.flatMap((n) => delimited(5, n)),
    ...(parts.attributes ?? []).flatMap((n) => delimited(6, n)),
    ...parts.nodes.flatMap((n) => delimited(7, n)),
    ...delimited(9, [varint(2, 21)]),
    ...delimited(9, [...delimited(1, "local"), varint(2, 1)]),
    ...delimited(10, parts.domain ?? "local"),
    ...(parts.defaults ?? []).flatMap((a) => delimited(11, a)),
  ]);

/** The import of the domain of functions or of other operators, as a field of the model. */
export const domainOf = (domain: string): Pieces =>
  delimited(8, [...delimited(1, domain), varint(2, 1)]);

/** An attribute that is the caller's. */
export const refAttr = (name: string, reference: string, type: number): Pieces => [
  ...delimited(1, name),
  varint(20, type),
  ...delimited(21, reference),
];

export interface BranchParts {
  readonly nodes: readonly Pieces[];
  readonly outputs: readonly string[];
  readonly tensors?: readonly Pieces[];
}

export const graphAttr = (name: string, { nodes, outputs, tensors = [] }: BranchParts): Pieces => [
  ...delimited(1, name),
  ...delimited(6, [
    ...nodes.flatMap((n) => delimited(1, n)),
    ...delimited(2, name),
    ...tensors.flatMap((t) => delimited(5, t)),
    ...outputs.flatMap((o) =>
      delimited(12, [...delimited(1, o), ...delimited(2, delimited(1, [varint(1, 1)]))]),
    ),
  ]),
  varint(20, 5),
];

export const stringAttr = (name: string, text: string): Pieces => [
  ...delimited(1, name),
  ...delimited(4, text),
  varint(20, 3),
];

export const floatsAttr = (name: string, values: readonly number[]): Pieces => [
  ...delimited(1, name),
  ...delimited(7, bytesLE(Float32Array.from(values))),
  varint(20, 6),
];
