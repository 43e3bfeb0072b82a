import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { codeOf, rawBytes } from "../formats/onnx/elements.ts";
import { concat, delimited, type Pieces, varint } from "../formats/onnx/pieces.ts";
import { constantOf, type Graph, type Node, topological, type Value } from "../ir/graph.ts";
import type { Tensor, Type } from "../ir/tensor.ts";
import type { Attr, Operator } from "../ops/operator.ts";

export interface EncodeOptions {
  /** By default i0, i1, … */
  readonly inputNames?: readonly string[];
  /** By default o0, o1, … */
  readonly outputNames?: readonly string[];
}

const IR_VERSION = 10;
const OPSET = 21;

/** The graph as a standard ONNX model: what ONNX Runtime loads, and what `read` reads back. */
export const encode = (graph: Graph, options: EncodeOptions = {}): Uint8Array =>
  concat(encodePieces(graph, options));

/** The same in pieces; the weights among them are the graph's own memory. */
export function encodePieces(graph: Graph, options: EncodeOptions = {}): Pieces {
  // In the order of the field numbers: opset_import last, so that no part of a file is a model.
  return [
    varint(1, IR_VERSION),
    ...delimited(2, "kaibo"),
    ...delimited(7, graphProto(graph, options)),
    ...delimited(8, [...delimited(1, ""), varint(2, OPSET)]),
  ];
}

function graphProto(graph: Graph, { inputNames = [], outputNames = [] }: EncodeOptions): Pieces {
  const nodes: Uint8Array[] = [];
  const constants: Pieces[] = [];
  const names = new Map<Value, string>();
  const fresh = counter(new Set([...inputNames, ...outputNames]));
  graph.inputs.forEach((v, i) => void names.set(v, inputNames[i] ?? `i${i}`));
  const outputs = graph.outputs.map((value, i) => {
    const name = outputNames[i] ?? `o${i}`;
    // An output that is an input, a constant or another output needs a value of its own.
    if (names.has(value) || typeof value.node.operator === "string")
      return { value, name, copy: true };
    names.set(value, name);
    return { value, name, copy: false };
  });

  const lowered = topological(graph.outputs).map((node) => ({ node, form: onnxForm(node) }));
  const used = new Set<Value | undefined>(graph.outputs);
  for (const { form } of lowered) for (const v of form.inputs) used.add(v);
  const nameOf = (value: Value | undefined): string => {
    if (value === undefined || !used.has(value)) return "";
    const known = names.get(value);
    if (known !== undefined) return known;
    const tensor = constantOf(value);
    const name = fresh(tensor === undefined ? "v" : "c");
    names.set(value, name);
    if (tensor !== undefined) constants.push(delimited(5, tensorProto(tensor, name)));
    return name;
  };

  /** Up to the last that is used: one before it may be required, so it has a name too. */
  const outputsOf = (node: Node, all = false): readonly string[] => {
    const named = node.outputs.map(nameOf);
    return (all ? named : trimmed(named)).map((name) => (name === "" ? fresh("v") : name));
  };

  // One node of a file may have become several, and runtimes want names to be different.
  const labels = distinct();
  for (const { node, form } of lowered) {
    if (typeof node.operator === "string") continue;
    nodes.push(
      nodeProto(node.operator, labels(node.name), {
        inputs: trimmed(form.inputs.map(nameOf)),
        outputs: outputsOf(node, node.operator.variadicOutputs),
        attrs: form.attrs,
      }),
    );
  }
  for (const { value, name, copy } of outputs)
    if (copy)
      nodes.push(
        nodeProto({ type: "Identity" }, "", {
          inputs: [nameOf(value)],
          outputs: [name],
          attrs: {},
        }),
      );
  return [
    ...nodes,
    ...delimited(2, "kaibo"),
    ...constants.flat(),
    ...graph.inputs.flatMap((v) => valueInfo(11, names.get(v)!, v)),
    ...outputs.flatMap(({ name, value }) => valueInfo(12, name, value)),
  ];
}

const onnxForm = (node: Node) =>
  (typeof node.operator === "string" ? undefined : node.operator.onnx?.(node)) ?? node;

/** A name as it is where it is the first of its kind, else with a number. */
function distinct(): (name: string) => string {
  const counts = new Map<string, number>();
  return (name) => {
    if (name === "") return name;
    let made = name;
    while (counts.has(made)) {
      const count = counts.get(name)! + 1;
      counts.set(name, count);
      made = `${name}_${count}`;
    }
    counts.set(made, 0);
    return made;
  };
}

function counter(taken: ReadonlySet<string>): (prefix: string) => string {
  let next = 0;
  return (prefix) => {
    while (taken.has(`${prefix}_${next}`)) next++;
    return `${prefix}_${next++}`;
  };
}

/** Absent inputs and unused outputs at the end are left out; in the middle they are "". */
function trimmed(names: readonly string[]): readonly string[] {
  let end = names.length;
  while (end > 0 && names[end - 1] === "") end--;
  return names.slice(0, end);
}

interface Lines {
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attrs: { readonly [name: string]: Attr | undefined };
}

function nodeProto(
  { type, floatAttrs = [] }: Pick<Operator, "type" | "floatAttrs">,
  name: string,
  { inputs, outputs, attrs }: Lines,
): Uint8Array {
  const list = (field: number, names: readonly string[]) =>
    names.flatMap((n) => delimited(field, n));
  const attributes = Object.entries(attrs).flatMap(([key, value]) =>
    value === undefined
      ? []
      : delimited(5, [...delimited(1, key), ...attribute(value, floatAttrs.includes(key))]),
  );
  const label = name === "" ? [] : delimited(3, name);
  return concat(
    delimited(1, [
      ...list(1, inputs),
      ...list(2, outputs),
      ...label,
      ...delimited(4, type),
      ...attributes,
    ]),
  );
}

/** AttributeProto: the value's field, then its type (field 20). */
function attribute(value: Attr, float: boolean): Pieces {
  if (typeof value === "string") return [...delimited(4, value), varint(20, 3)];
  if (typeof value === "number")
    return float ? [floats(2, [value]), varint(20, 1)] : [varint(3, value), varint(20, 2)];
  if ("dtype" in value) return [...delimited(5, tensorProto(value, "")), varint(20, 4)];
  if (value.some((v) => typeof v === "string"))
    return [...value.flatMap((v) => delimited(9, String(v))), varint(20, 8)];
  const numbers = value as readonly number[];
  return float
    ? [floats(7, numbers), varint(20, 6)]
    : [...numbers.map((n) => varint(8, n)), varint(20, 7)];
}

function floats(field: number, values: readonly number[]): Uint8Array {
  const writer = new BinaryWriter();
  for (const value of values) writer.tag(field, WireType.Bit32).float(value);
  return writer.finish();
}

export function tensorProto(tensor: Tensor, name: string): Pieces {
  return [
    ...tensor.shape.map((d) => varint(1, d)),
    varint(2, codeOf(tensor.dtype)),
    ...delimited(8, name),
    ...delimited(9, rawBytes(tensor.dtype, tensor.data)),
  ];
}

function valueInfo(field: number, name: string, { dtype, shape }: Type): Pieces {
  const dims = shape.flatMap((d) =>
    typeof d === "number" ? delimited(1, [varint(1, d)]) : delimited(1, delimited(2, d)),
  );
  const tensor = delimited(1, [varint(1, codeOf(dtype)), ...delimited(2, dims)]);
  return delimited(field, [...delimited(1, name), ...delimited(2, tensor)]);
}
