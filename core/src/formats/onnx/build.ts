import { constant, type Graph, input, type Node, topological, type Value } from "../../ir/graph.ts";
import { type Dim, isFloat, size, type Tensor } from "../../ir/tensor.ts";
import { operatorOfType } from "../../ops/index.ts";
import { type Attrs, InvalidNode } from "../../ops/operator.ts";
import { type Problem, type ProblemCode, problem } from "../../problem.ts";
import type { Model, Origin } from "../model.ts";
import { attributesOf } from "./attributes.ts";
import { elementOf } from "./elements.ts";
import { factsOf, mainOpset } from "./facts.ts";
import { onnxOperator } from "./operators.ts";
import { nodeName, orderOf } from "./order.ts";
import type { GraphProto, ModelProto, NodeProto, ValueInfoProto } from "./schema.ts";
import { isConstant, type Stores } from "./stores.ts";
import { upgrade } from "./upgrade.ts";

/** Tensors by the name of their initialiser or Constant output; undefined: it cannot be read. */
export type Tensors = ReadonlyMap<string, Tensor | undefined>;

export interface Built {
  readonly model: Model;
  readonly problems: readonly Problem[];
}

/** Makes the graph: every node is applied through its operator, which checks it and infers its shape. */
export function build(
  proto: ModelProto & { graph: GraphProto },
  stores: Stores,
  tensors: Tensors,
  file: string,
): Built {
  const builder = new Builder(proto, tensors, file);
  return builder.build(stores);
}

class Builder {
  readonly #proto: ModelProto & { graph: GraphProto };
  readonly #tensors: Tensors;
  readonly #file: string;
  readonly #opset: number;
  /** undefined: the value is in the file, but what computes it could not be read. */
  readonly #values = new Map<string, Value | undefined>();
  readonly #names = new Map<Value, string>();
  readonly #origins = new Map<Node, Origin>();
  readonly #frontier = new Set<Value>();
  readonly #problems: Problem[] = [];
  /** Outputs that a node has in the file and its operator does not give; a problem once they are read. */
  readonly #absent = new Map<string, string>();
  readonly #unsupported = new Map<string, { at: string; what: string; count: number }>();

  constructor(proto: ModelProto & { graph: GraphProto }, tensors: Tensors, file: string) {
    this.#proto = proto;
    this.#tensors = tensors;
    this.#file = file;
    this.#opset = mainOpset(proto, file);
  }

  build(stores: Stores): Built {
    const { graph } = this.#proto;
    for (const [name, tensor] of this.#tensors)
      this.#define(name, tensor === undefined ? undefined : constant(tensor, name));
    const inputs = graph.inputs
      .filter((info) => !this.#tensors.has(info.name))
      .flatMap((info) => this.#input(info) ?? []);
    const given = new Set([...graph.inputs, ...graph.initializers].map((v) => v.name));
    for (const i of orderOf(graph, given, this.#file)) this.#node(graph.nodes[i], i);
    const outputs = this.#outputs(graph);
    this.#tellUnsupported();
    const made: Graph = { inputs, outputs };
    const model: Model = {
      format: "onnx",
      name: this.#file.split(/[/\\]/).at(-1)!,
      graph: made,
      partial: this.#problems.length > 0,
      facts: factsOf(this.#proto, this.#opset, stores),
      names: this.#names,
      origins: this.#origins,
      parameters: parameters(made),
    };
    return { model, problems: this.#problems };
  }

  #define(name: string, value: Value | undefined): void {
    this.#values.set(name, value);
    if (value !== undefined && !this.#names.has(value)) this.#names.set(value, name);
  }

  #input(info: ValueInfoProto): Value | undefined {
    const type = info.type?.tensor;
    const element = type === undefined ? undefined : elementOf(type.elementType);
    const place = `input ${info.name}`;
    if (this.#values.has(info.name))
      this.#problem("unreadable-model", `the input is listed twice`, place);
    else if (element === undefined || type?.shape === undefined) {
      const why =
        element === undefined ? "is not a tensor of a supported element type" : "has no shape";
      this.#problem(
        "unreadable-model",
        `the input ${why}: export the model with tensor inputs of known rank`,
        place,
      );
      this.#define(info.name, undefined);
    } else {
      const value = input(
        info.name,
        element.dtype,
        type.shape.dims.map((d, i) => dimOf(d, i, info.name)),
      );
      this.#define(info.name, value);
      return value;
    }
    return undefined;
  }

  #node(node: NodeProto, index: number): void {
    if (isConstant(node)) return;
    const name = nodeName(node, index);
    const place = `node ${name} (number ${index})`;
    const missing = node.inputs.find((n) => n !== "" && !this.#values.has(n));
    const inputs = node.inputs.map((n) => (n === "" ? undefined : this.#values.get(n)));
    const lost = node.inputs.some((n, i) => n !== "" && inputs[i] === undefined);
    const give = (outputs: readonly Value[]) =>
      node.outputs.forEach((output, i) => {
        if (output === "") return;
        this.#define(output, outputs[i]);
        if (outputs.length > 0 && outputs[i] === undefined) this.#absent.set(output, place);
      });
    const giveUp = () => {
      for (const v of inputs)
        if (v !== undefined && v.node.operator !== "constant") this.#frontier.add(v);
      give([]);
    };
    for (const n of node.inputs) this.#tellAbsent(n);
    if (missing !== undefined) {
      this.#problem(
        "unreadable-model",
        `its input "${missing}" is not defined anywhere in the graph`,
        place,
      );
      giveUp();
      return;
    }
    if (!this.#supports(node, place) || lost) {
      giveUp();
      return;
    }
    try {
      give(this.#apply(node, name, index, inputs));
    } catch (error) {
      // InvalidNode is what operators say of a node; any other error is theirs, about a file never seen.
      const why = error instanceof Error ? error.message : String(error);
      this.#problem(
        "unreadable-model",
        error instanceof InvalidNode ? why : `${node.type} cannot be applied: ${why}`,
        place,
      );
      giveUp();
    }
  }

  #apply(
    node: NodeProto,
    name: string,
    index: number,
    inputs: readonly (Value | undefined)[],
  ): readonly Value[] {
    const origin: Origin = { index, type: node.type, name };
    const apply = (
      type: string,
      attrs: Attrs,
      ...given: (Value | undefined)[]
    ): readonly Value[] => {
      const operator = operatorOfType.get(type);
      if (operator === undefined) throw new InvalidNode(`operator ${type} is not supported`);
      while (given.length > 0 && given.at(-1) === undefined) given.pop();
      const form = operator.fromOnnx?.({ inputs: given, attrs }) ?? { inputs: given, attrs };
      const made = operator.node(form.attrs, form.inputs, name);
      for (const { shape } of made.outputs) checkShape(shape, type);
      this.#origins.set(made, origin);
      return made.outputs;
    };
    const attrs = attributesOf(node, onnxOperator(node.type)!);
    const outputs = node.outputs.length;
    return upgrade({ type: node.type, opset: this.#opset, attrs, inputs, outputs, apply });
  }

  #supports({ type, domain }: NodeProto, place: string): boolean {
    const own = domain === "" || domain === "ai.onnx";
    const known = own ? onnxOperator(type) : undefined;
    if (known !== undefined && operatorOfType.has(type) && this.#opset >= known.oldest) return true;
    const what = own
      ? `operator ${type} (opset ${this.#opset})`
      : `operator ${type} of domain ${domain}${this.#version(domain)}`;
    const before = this.#unsupported.get(what);
    this.#unsupported.set(what, { at: before?.at ?? place, what, count: (before?.count ?? 0) + 1 });
    return false;
  }

  #version(domain: string): string {
    const version = this.#proto.opsets.find((o) => o.domain === domain)?.version;
    return version === undefined ? "" : ` (version ${version})`;
  }

  /** The model's outputs, or as far towards them as the graph goes. */
  #outputs(graph: GraphProto): readonly Value[] {
    const outputs: Value[] = [];
    for (const { name } of graph.outputs) {
      const value = this.#values.get(name);
      if (value !== undefined) outputs.push(value);
      else if (!this.#values.has(name))
        this.#problem(
          "unreadable-model",
          "the output is not computed anywhere in the graph",
          `output ${name}`,
        );
      else this.#tellAbsent(name);
    }
    if (graph.outputs.length === 0)
      this.#problem("unreadable-model", "the graph has no outputs", "graph");
    return [...new Set([...outputs, ...this.#frontier])];
  }

  #tellAbsent(name: string): void {
    const place = this.#absent.get(name);
    if (place === undefined) return;
    this.#absent.delete(name);
    this.#problem("unsupported-operator", `its output "${name}" is not supported`, place);
  }

  #tellUnsupported(): void {
    for (const { at, what, count } of this.#unsupported.values()) {
      const more = count === 1 ? "" : `, nor ${count - 1} more such nodes`;
      this.#problem(
        "unsupported-operator",
        `${what} is not supported${more}: the graph is read up to there`,
        at,
      );
    }
  }

  #problem(code: ProblemCode, message: string, place: string): void {
    this.#problems.push(problem(code, message, this.#file, place));
  }
}

/** "N" is the batch; other lengths without a name get one of their own. */
function dimOf(
  { value, param }: { value: number; param: string },
  axis: number,
  owner: string,
): Dim {
  if (value > 0) return value;
  // "*" joins the factors of derived lengths, which digits alone would pass for numbers.
  const name = param.replaceAll("*", "_").trim();
  if (name !== "") return /^\d+$/.test(name) ? `d${name}` : name;
  return axis === 0 ? "N" : `${owner.replaceAll("*", "_")}.${axis}`;
}

function checkShape(shape: readonly Dim[], type: string): void {
  const numbers = shape.filter((d) => typeof d === "number");
  if (
    numbers.some((d) => !Number.isSafeInteger(d) || d < 0) ||
    !Number.isSafeInteger(size(numbers))
  )
    throw new InvalidNode(`${type}: its result would have shape [${shape.join(", ")}]`);
}

function parameters({ outputs }: Graph): number {
  let count = 0;
  for (const {
    operator,
    outputs: [value],
    name,
  } of topological(outputs))
    if (operator === "constant" && name !== "" && isFloat(value.dtype))
      count += size(value.shape as number[]);
  return count;
}
