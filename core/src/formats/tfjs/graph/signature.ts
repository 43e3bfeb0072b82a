import type { DType, Shape } from "../../../ir/tensor.ts";
import { type JsonRecord, record, text } from "../json.ts";
import { dtypeOf, shapeOf } from "./attributes.ts";
import { type GraphNode, type Reference, reference } from "./graphDef.ts";

/** What goes in and comes out, by the names the model gives it. */
export interface Signature {
  readonly inputs: readonly Named[];
  readonly outputs: readonly Named[];
}

export interface Named {
  readonly key: string;
  readonly at: Reference;
  readonly dtype: DType | undefined;
  readonly shape: Shape | undefined;
}

/**
 * The signature of the file, or one of its user's metadata; where there is none, the placeholders and the
 * nodes that nobody reads.
 */
export function signatureOf(model: JsonRecord, nodes: ReadonlyMap<string, GraphNode>): Signature {
  const own = record(model.signature);
  const other = record(record(model.userDefinedMetadata)?.signature);
  const signature = record(own?.outputs) === undefined ? other : own;
  const told = (side: unknown): Named[] =>
    Object.entries(record(side) ?? {}).map(([key, value]) => {
      const info = record(value) ?? {};
      const at = reference(text(info.name) || key);
      return { key, at, dtype: dtypeOf(info.dtype), shape: shapeOf(info.tensorShape, at.node) };
    });
  const inputs = told(signature?.inputs).filter((i) => nodes.has(i.at.node));
  const outputs = told(signature?.outputs);
  return {
    inputs: [...inputs, ...placeholders(nodes, inputs)],
    outputs: outputs.length > 0 ? outputs : sinks(nodes),
  };
}

const bare = (node: GraphNode): Named => ({
  key: node.name,
  at: { node: node.name, output: 0 },
  dtype: undefined,
  shape: undefined,
});

function placeholders(nodes: ReadonlyMap<string, GraphNode>, known: readonly Named[]): Named[] {
  const names = new Set(known.map((i) => i.at.node));
  return [...nodes.values()].filter((n) => isPlaceholder(n) && !names.has(n.name)).map(bare);
}

export const isPlaceholder = ({ op }: GraphNode): boolean => op === "Placeholder";

function sinks(nodes: ReadonlyMap<string, GraphNode>): Named[] {
  const read = new Set([...nodes.values()].flatMap((n) => n.inputs.map((i) => i.node)));
  return [...nodes.values()]
    .filter((n) => !read.has(n.name) && !["Const", "NoOp", "Placeholder"].includes(n.op))
    .map(bare);
}
