import type { Attrs, Operator } from "../ops/operator.ts";
import type { DType, Shape, Tensor, Type } from "./tensor.ts";

/** One value of the dataflow graph. Values never change; they are made only by calling an operator. */
export interface Value {
  readonly node: Node;
  /** Which output of the node. */
  readonly index: number;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** One application of an operator; absent optional inputs are undefined. */
export interface Node<A extends object = Attrs> {
  readonly operator: Operator<A> | Source;
  readonly inputs: readonly (Value | undefined)[];
  readonly attrs: A;
  readonly outputs: readonly Value[];
  /** The name in the model file: of the node, the initialiser or the graph input. */
  readonly name: string;
}

/** Where values come from that no operator computes. */
export type Source = "input" | "constant";

/** A graph is whatever its outputs can reach; the inputs fix the order in which it is fed. */
export interface Graph {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
}

export const input = (name: string, dtype: DType, shape: Shape): Value =>
  makeNode("input", [], {}, [{ dtype, shape }], name).outputs[0];

export const constant = (tensor: Tensor, name = ""): Value =>
  makeNode("constant", [], { value: tensor }, [tensor], name).outputs[0];

/** The tensor of a constant; undefined for every other value. */
export function constantOf(value: Value | undefined): Tensor | undefined {
  if (value?.node.operator !== "constant") return undefined;
  return (value.node.attrs as { value: Tensor }).value;
}

/** Whether the value is the same for every input: a constant, or computed from constants alone. */
export const isConstant = (value: Value | undefined): boolean =>
  value !== undefined && !varying.has(value.node);

/** Nodes that an input can reach; noted when they are made. */
const varying = new WeakSet<Node>();

export const isInput = (value: Value): boolean => value.node.operator === "input";

export function makeNode<A extends object>(
  operator: Operator<A> | Source,
  inputs: readonly (Value | undefined)[],
  attrs: A,
  types: readonly Type[],
  name: string,
): Node<A> {
  const outputs: Value[] = [];
  const node: Node<A> = { operator, inputs, attrs, outputs, name };
  const general = node as unknown as Node;
  if (operator === "input" || inputs.some((v) => v !== undefined && varying.has(v.node)))
    varying.add(general);
  types.forEach(({ dtype, shape }, index) => {
    outputs.push({ node: general, index, dtype, shape });
  });
  return node;
}

/** Every node of the graph in topological order. Worked out once: graphs do not change. */
export function nodesOf(graph: Graph): readonly Node[] {
  const nodes = orders.get(graph) ?? topological(graph.outputs);
  orders.set(graph, nodes);
  return nodes;
}

const orders = new WeakMap<Graph, readonly Node[]>();

/** Every node reachable from the roots, each after its inputs. Deep graphs do not deepen the stack. */
export function topological(roots: readonly Value[]): Node[] {
  const order: Node[] = [];
  const state = new Map<Node, "open" | "done">();
  const stack: Node[] = roots.map((v) => v.node).reverse();
  while (stack.length > 0) {
    const node = stack[stack.length - 1];
    const seen = state.get(node);
    if (seen === undefined) {
      state.set(node, "open");
      for (let i = node.inputs.length - 1; i >= 0; i--) {
        const from = node.inputs[i]?.node;
        if (from !== undefined && !state.has(from)) stack.push(from);
      }
    } else {
      stack.pop();
      if (seen === "open") {
        state.set(node, "done");
        order.push(node);
      }
    }
  }
  return order;
}

/** Which nodes use each value, in topological order. */
export function consumers(graph: Graph): ReadonlyMap<Value, readonly Node[]> {
  const known = readers.get(graph);
  if (known !== undefined) return known;
  const uses = new Map<Value, Node[]>();
  for (const node of nodesOf(graph))
    node.inputs.forEach((value, i) => {
      if (value === undefined || node.inputs.indexOf(value) < i) return;
      const list = uses.get(value);
      if (list === undefined) uses.set(value, [node]);
      else list.push(node);
    });
  readers.set(graph, uses);
  return uses;
}

const readers = new WeakMap<Graph, ReadonlyMap<Value, readonly Node[]>>();
