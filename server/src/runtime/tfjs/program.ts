import * as tf from "@tensorflow/tfjs-core";
import {
  constant,
  constantOf,
  type Graph,
  input,
  makeNode,
  type Node,
  topological,
  type Value,
} from "#core/ir/graph.ts";
import { known, size, typed } from "#core/ir/tensor.ts";
import type { Program } from "#core/runtime/runtime.ts";
import { kernelOf } from "./choose.ts";
import { Held, type KnownType } from "./held.ts";
import type { Kernel } from "./kernel.ts";

/** One node, with what is known of it before it runs. */
interface Step {
  readonly node: Node;
  /** Per output, whether anybody reads it. */
  readonly used: readonly boolean[];
  /** Values that nobody reads after this step. */
  readonly last: readonly Value[];
  /** Absent where shapes follow from the data: then it is chosen when they are known. */
  readonly kernel: Kernel | "reference" | undefined;
}

/** A graph as a list of steps; memory is given back as soon as nobody needs it. */
export function program(graph: Graph, backend: string): Program {
  const steps = plan(graph, backend);
  const constants = new Map<Value, Held>();
  for (const { outputs } of topological(graph.outputs))
    for (const value of outputs) {
      const tensor = constantOf(value);
      if (tensor !== undefined) constants.set(value, Held.ofHost(tensor));
    }
  return {
    async run(inputs) {
      const values = new Map(constants);
      graph.inputs.forEach((v, i) => void values.set(v, Held.ofHost(inputs[i]!)));
      try {
        for (const step of steps) {
          runStep(step, values, backend);
          for (const v of step.last) {
            values.get(v)?.dispose();
            values.delete(v);
          }
        }
        return graph.outputs.map((v) => values.get(v)!.host());
      } finally {
        for (const [v, held] of values) if (!constants.has(v)) held.dispose();
      }
    },
    async release() {
      for (const held of constants.values()) held.dispose();
    },
  };
}

function plan(graph: Graph, backend: string): readonly Step[] {
  const nodes = topological(graph.outputs).filter((n) => typeof n.operator !== "string");
  const lastUse = new Map<Value, Node>();
  for (const node of nodes)
    for (const v of [...node.outputs, ...node.inputs]) if (v !== undefined) lastUse.set(v, node);
  const read = new Set<Value | undefined>(graph.outputs);
  for (const { inputs } of nodes) for (const v of inputs) read.add(v);
  const kept = new Set(graph.outputs);
  const last = new Map<Node, Value[]>();
  for (const [v, node] of lastUse)
    if (!kept.has(v) && v.node.operator !== "constant")
      last.set(node, [...(last.get(node) ?? []), v]);
  return nodes.map((node) => {
    const used = node.outputs.map((v) => read.has(v));
    return {
      node,
      used,
      last: last.get(node) ?? [],
      kernel: isKnown(node) ? (kernelOf(node, used, backend) ?? "reference") : undefined,
    };
  });
}

const isKnown = ({ inputs, outputs }: Node): boolean =>
  [...inputs, ...outputs].every((v) => v?.shape.every((d) => typeof d === "number") ?? true);

function runStep(step: Step, values: Map<Value, Held>, backend: string): void {
  const inputs = step.node.inputs.map((v) => v && values.get(v)!);
  const node = step.kernel === undefined ? resolved(step.node, inputs) : step.node;
  const kernel = step.kernel ?? kernelOf(node, step.used, backend) ?? "reference";
  const types = node.outputs.map(({ dtype, shape }) => ({ dtype, shape: known(shape) }));
  const results =
    kernel === "reference"
      ? evaluated(node, inputs, types)
      : tf
          .tidy(() => [...kernel.run({ node, inputs, outputs: types })])
          .map(({ layout, tensor }, i) => Held.ofDevice(types[i]!, layout, tensor));
  results.forEach((held, i) => {
    if (step.used[i] === true) values.set(step.node.outputs[i]!, held);
    else held.dispose();
  });
}

/** By the operator's own definition. */
function evaluated(
  node: Node,
  inputs: readonly (Held | undefined)[],
  types: readonly KnownType[],
): readonly Held[] {
  if (typeof node.operator === "string") throw new Error(`${node.operator} is not run`);
  return node.operator
    .evaluate(
      inputs.map((v) => v?.host()),
      node.attrs,
      types,
    )
    .map((t) => Held.ofHost(typed(t, t.data)));
}

/** Shapes may follow from the numbers of tensors up to this size. */
const SMALL = 1024;

/** The node with the shapes that its inputs have in this run. */
function resolved(node: Node, inputs: readonly (Held | undefined)[]): Node {
  if (typeof node.operator === "string") return node;
  const given = inputs.map((v, i): Value | undefined => {
    if (v === undefined) return undefined;
    return size(v.shape) <= SMALL ? constant(v.host()) : input(`${i}`, v.dtype, v.shape);
  });
  const types = node.operator.infer(given, node.attrs);
  return makeNode(node.operator, given, node.attrs, types, node.name);
}
