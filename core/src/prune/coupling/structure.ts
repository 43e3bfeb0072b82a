import { type Layer, layersOf, typeOf } from "../../explain/layers.ts";
import {
  constantOf,
  consumers,
  type Graph,
  isInput,
  type Node,
  nodesOf,
  type Value,
} from "../../ir/graph.ts";
import { NodeLinks } from "./links.ts";

/** What all plans of a graph share; made once. */
export class Structure {
  readonly graph: Graph;
  readonly uses: ReadonlyMap<Value, readonly Node[]>;
  readonly outputs: ReadonlySet<Value>;
  readonly layers: ReadonlyMap<string, Layer>;
  /** The layer whose affine node gives the value. */
  readonly layerOf: ReadonlyMap<Value, Layer>;
  /** The constants that stand for each stored tensor. */
  readonly stored: ReadonlyMap<string, readonly Value[]>;
  /** Every node's place in the topological order. */
  readonly places: ReadonlyMap<Node, number>;
  readonly #varying = new Set<Node>();
  readonly #links = new Map<Node, NodeLinks>();

  private constructor(graph: Graph) {
    this.graph = graph;
    this.uses = consumers(graph);
    this.outputs = new Set(graph.outputs);
    const layers = layersOf(graph);
    this.layers = new Map(layers.map((l) => [l.name, l]));
    this.layerOf = new Map(layers.map((l) => [l.node.outputs[0], l]));
    const nodes = nodesOf(graph);
    this.places = new Map(nodes.map((node, i) => [node, i]));
    const stored = new Map<string, Value[]>();
    for (const node of nodes) {
      if (node.operator === "input" || node.inputs.some((v) => v && this.#varying.has(v.node)))
        this.#varying.add(node);
      if (node.operator !== "constant" || node.name === "") continue;
      const same = stored.get(node.name) ?? [];
      stored.set(node.name, [...same, node.outputs[0]]);
    }
    this.stored = stored;
  }

  static of(graph: Graph): Structure {
    const found = known.get(graph) ?? new Structure(graph);
    known.set(graph, found);
    return found;
  }

  /** Undefined for inputs and constants. */
  links(node: Node): NodeLinks | undefined {
    const { operator } = node;
    if (typeof operator === "string") return undefined;
    const isUsed = (v: Value) => this.uses.has(v) || this.outputs.has(v);
    const found = this.#links.get(node) ?? new NodeLinks(node, operator, isUsed);
    this.#links.set(node, found);
    return found;
  }

  /** The layer's place in the order of the graph. */
  rank(layer: string): number {
    return this.places.get(this.layers.get(layer)!.node)!;
  }

  /** Depends on the inputs of the graph. */
  varies(value: Value): boolean {
    return this.#varying.has(value.node);
  }
}

const known = new WeakMap<Graph, Structure>();

/** The axis of a layer's units in the output of its affine node. */
export const unitAxis = ({ node }: Layer): number =>
  /^Conv/.test(typeOf(node)) ? 1 : node.outputs[0].shape.length - 1;

/** For people: "Add node Add_12", "input x", "tensor conv1.weight". */
export function place(node: Node): string {
  const [value] = node.outputs;
  if (isInput(value)) return `input ${node.name}`;
  if (constantOf(value) !== undefined) return `tensor ${node.name}`;
  return `${typeOf(node)} node ${node.name}`;
}
