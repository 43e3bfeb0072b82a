import { type Graph, type Node, topological, type Value } from "./graph.ts";
import { showType } from "./tensor.ts";

/** The graph as text, one node a line: `%3 = Conv(%0, w, b) {strides: 1,1} : float32[N, 8, 24, 24]`. */
export function print(graph: Graph): string {
  const names = new Map<Value, string>();
  let next = 0;
  const name = (v: Value): string => {
    let known = names.get(v);
    if (known === undefined) {
      known =
        typeof v.node.operator === "string" && v.node.name !== "" ? v.node.name : `%${next++}`;
      names.set(v, known);
    }
    return known;
  };
  const lines = topological([...graph.inputs, ...graph.outputs]).map((node) => line(node, name));
  return `${lines.join("\n")}\nreturn ${graph.outputs.map(name).join(", ")}`;
}

function line(node: Node, name: (v: Value) => string): string {
  const outputs = node.outputs.map(name).join(", ");
  const types = node.outputs.map(showType).join(", ");
  if (typeof node.operator === "string") return `${outputs} = ${node.operator} : ${types}`;
  const inputs = node.inputs.map((v) => (v === undefined ? "" : name(v))).join(", ");
  const attrs = Object.entries(node.attrs).flatMap(([k, v]) =>
    v === undefined ? [] : [`${k}: ${v}`],
  );
  const shown = attrs.length === 0 ? "" : ` {${attrs.join("; ")}}`;
  return `${outputs} = ${node.operator.type}(${inputs})${shown} : ${types}`;
}
