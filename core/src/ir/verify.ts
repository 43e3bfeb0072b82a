import { constantOf, type Graph, topological } from "./graph.ts";
import { sameShape, showType, size } from "./tensor.ts";

/**
 * Every type is what its operator infers, every constant fills its shape, every input is listed.
 * Throws with the name of the node: a wrong graph is a bug of the transformation that made it.
 */
export function verify(graph: Graph): void {
  const listed = new Set(graph.inputs.map((v) => v.node));
  for (const node of topological(graph.outputs)) {
    const where = `${typeof node.operator === "string" ? node.operator : node.operator.type} ${node.name}`;
    if (node.operator === "input") {
      if (!listed.has(node)) throw new Error(`${where}: not among the inputs of the graph`);
    } else if (node.operator === "constant") {
      const tensor = constantOf(node.outputs[0])!;
      if (tensor.data.length !== size(tensor.shape)) throw new Error(`${where}: wrong size`);
    } else {
      const inferred = node.operator.infer(node.inputs, node.attrs);
      node.outputs.forEach((value, i) => {
        const type = inferred[i];
        if (type === undefined || type.dtype !== value.dtype || !sameShape(type.shape, value.shape))
          throw new Error(
            `${where}: output ${i} is ${showType(value)}, not ${type && showType(type)}`,
          );
      });
    }
  }
}
