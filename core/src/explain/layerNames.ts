import { constantOf, isConstant, type Node, type Value } from "../ir/graph.ts";

/** What a layer is named by. */
interface Named {
  readonly node: Node;
  readonly after: readonly Node[];
  readonly weights: Value;
}

/** The names of all layers of a graph, in their order; unique. */
export function layerNames(layers: readonly Named[]): readonly string[] {
  const names = layers.map(({ node, after, weights }) => moduleName(node, after, weights));
  const shorter = names.map((name, i) => (name === layers[i].node.name ? withoutCall(name) : []));
  // A name is taken where only one layer could have it.
  const claims = new Map<string, number>();
  for (const each of [...names, ...shorter.flat()]) claims.set(each, (claims.get(each) ?? 0) + 1);
  const counts = new Map<string, number>();
  return names.map((name, i) =>
    numbered(shorter[i].find((each) => claims.get(each) === 1) ?? name, counts),
  );
}

function numbered(name: string, counts: Map<string, number>): string {
  const count = (counts.get(name) ?? 0) + 1;
  counts.set(name, count);
  return count === 1 ? name : `${name}#${count}`;
}

/**
 * TensorFlow calls a node "StatefulPartitionedCall/model/dense/BiasAdd": the call that was inlined, the
 * model, the layer, the operation. What is left without some of them, shortest first.
 */
function withoutCall(name: string): readonly string[] {
  const path = /^StatefulPartitionedCall(?:_\d+)?\/(.+)$/.exec(name)?.[1];
  if (path === undefined) return [];
  const inModel = path.replace(/^[^/]+\/(?=[^/]+\/)/, "");
  const layer = inModel.replace(/(\/Tensordot|\/einsum)?\/[^/]+$/, "");
  return [...new Set([layer, inModel, path])];
}

/**
 * The name a user knows a layer by. Exporters keep module paths in initialiser names ("conv1.weight",
 * "dense/kernel:0"); where they invented one ("onnx::MatMul_21"), the bias may still have it; else the
 * node's name, whose path form "/fc1/MatMul" names the module too.
 */
function moduleName(node: Node, after: readonly Node[], weights: Value): string {
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
