import { constantOf, isConstant, type Node, type Value } from "../ir/graph.ts";

/**
 * The name a user knows a layer by. Exporters keep module paths in initialiser names ("conv1.weight",
 * "dense/kernel:0"); where they invented one ("onnx::MatMul_21"), the bias may still have it; else the
 * node's name, whose path form "/fc1/MatMul" names the module too.
 */
export function moduleName(node: Node, after: readonly Node[], weights: Value): string {
  const own = [weights, node.inputs[2], ...after.filter(isBias).flatMap((n) => n.inputs)];
  for (const value of own) {
    const tensorName = storedName(value);
    const path = /^(.+?)[./](weight|bias|kernel|weight_ih_l0|W|w|b)(:0)?$/.exec(tensorName);
    if (path !== null && !tensorName.includes("::")) return path[1];
  }
  const path = /^\/(.+)\/(Conv|ConvTranspose|Gemm|MatMul|LSTM|GRU|RNN)(_\d+)?$/.exec(node.name);
  if (path === null) return node.name;
  // "/layer1/layer1.0/downsample/downsample.0/Conv": a scope carries the one before it where it starts with it.
  return path[1]
    .split("/")
    .reduce<string[]>((scopes, scope) => {
      const carried = scopes.length > 0 && scope.startsWith(`${scopes.at(-1)}.`);
      return [...(carried ? scopes.slice(0, -1) : scopes), scope];
    }, [])
    .join(".");
}

/** Of the stored tensor that a parameter is, or is reshaped from. */
function storedName(value: Value | undefined): string {
  if (value === undefined) return "";
  if (constantOf(value) !== undefined) return value.node.name;
  return isConstant(value) ? storedName(value.node.inputs[0]) : "";
}

const isBias = (node: Node): boolean =>
  typeof node.operator !== "string" && node.operator.type === "Add";
