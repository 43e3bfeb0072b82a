import { type Limits, many, refuseOver } from "../../../limits.ts";
import { fail } from "../../../problem.ts";
import { type JsonRecord, list, record, text } from "../json.ts";
import { type Attributes, attributes } from "./attributes.ts";

/** One node of a TensorFlow graph. */
export interface GraphNode {
  readonly index: number;
  readonly name: string;
  readonly op: string;
  /** Data only, no control edges. */
  readonly inputs: readonly Reference[];
  readonly attributes: Attributes;
}

/** An output of another node. */
export interface Reference {
  readonly node: string;
  readonly output: number;
}

/** The nodes of a GraphDef by name, in the order of the file. Throws ProblemError. */
export function nodesOf(
  topology: JsonRecord,
  file: string,
  limits: Limits,
): ReadonlyMap<string, GraphNode> {
  const raw = topology.node;
  if (!Array.isArray(raw))
    return fail("unreadable-model", "there is no list of nodes", file, "modelTopology");
  if (raw.length > limits.nodes) {
    const has = `the graph has ${many(raw.length)} nodes`;
    return refuseOver(limits, "nodes", has, file, "modelTopology");
  }
  const nodes = new Map<string, GraphNode>();
  for (const [index, value] of raw.entries()) {
    const node = record(value);
    const name = text(node?.name);
    const op = text(node?.op);
    const place = `node ${name || `number ${index}`}`;
    if (node === undefined || name === "" || op === "")
      return fail("unreadable-model", "a node needs a name and an operation", file, place);
    if (nodes.has(name)) fail("unreadable-model", "the name is given to two nodes", file, place);
    const inputs = list(node.input)
      .map(text)
      .filter((input) => !input.startsWith("^"))
      .map(reference);
    nodes.set(name, { index, name, op, inputs, attributes: attributes(node.attr) });
  }
  return nodes;
}

/** "conv:1" is output 1 of conv; functions name the output too: "split:output:1". */
export function reference(name: string): Reference {
  const [node, ...rest] = name.split(":");
  const output = Number(rest.at(-1) ?? 0);
  return { node, output: Number.isSafeInteger(output) && output >= 0 ? output : 0 };
}
