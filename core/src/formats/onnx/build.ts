import { foldNode } from "../../compile/fold.ts";
import {
  constant,
  constantOf,
  type Graph,
  input,
  isConstant,
  type Node,
  nodesOf,
  type Value,
} from "../../ir/graph.ts";
import { type Dim, isFloat, size, type Tensor } from "../../ir/tensor.ts";
import { operatorOfType } from "../../ops/index.ts";
import { type Attrs, InvalidNode } from "../../ops/operator.ts";
import { type Problem, type ProblemCode, problem } from "../../problem.ts";
import { Ends } from "../ends.ts";
import type { Model, Origin } from "../model.ts";
import { inMemory } from "../weights.ts";
import { Arguments, type Pinning } from "./arguments.ts";
import { attributesOf } from "./attributes.ts";
import { KnownContents } from "./contents.ts";
import { contribOf } from "./contrib.ts";
import { elementOf } from "./elements.ts";
import { isExpanded } from "./expansions.ts";
import { factsOf, mainOpset } from "./facts.ts";
import { FourBitValues } from "./fourBits.ts";
import { onnxOperator } from "./operators.ts";
import { inOrder, placeOf } from "./order.ts";
import type { Branch, Step } from "./program.ts";
import type { Parts } from "./read.ts";
import type { GraphProto, ModelProto, ValueInfoProto } from "./schema.ts";
import { scopedName } from "./scopes.ts";
import { resolved } from "./shapeArguments.ts";
import { statesGiven } from "./states.ts";
import { isConstant as isConstantNode } from "./stores.ts";
import { Targets } from "./targets.ts";
import { upgrade } from "./upgrade.ts";

/** Tensors by the name of their initialiser or Constant output; undefined: it cannot be read. */
export type Tensors = ReadonlyMap<string, Tensor | undefined>;

export interface Built {
  readonly model: Model;
  readonly problems: readonly Problem[];
  readonly arguments: Arguments;
  readonly targets: Targets;
}

/**
 * Makes the graph: every node is applied through its operator, which checks it and infers its shape.
 * @param pinning of a file that is edited
 */
export const build = (parts: Parts, tensors: Tensors, file: string, pinning?: Pinning): Built =>
  new Builder(parts, tensors, file, pinning).build();

class Builder {
  readonly #parts: Parts;
  readonly #proto: ModelProto & { graph: GraphProto };
  readonly #tensors: Tensors;
  readonly #file: string;
  readonly #opset: number;
  /** undefined: the value is in the file, but what computes it could not be read. */
  readonly #values = new Map<string, Value | undefined>();
  readonly #names = new Map<Value, string>();
  readonly #origins = new Map<Node, Origin>();
  readonly #frontier = new Set<Value>();
  readonly #ends = new Ends();
  readonly #contents = new KnownContents();
  readonly #arguments = new Arguments((value) => this.#contents.of(value));
  readonly #targets: Targets;
  readonly #pinning: Pinning | undefined;
  readonly #fourBits = new FourBitValues();
  readonly #problems: Problem[] = [];
  /** Outputs that a node has in the file and its operator does not give; a problem once they are read. */
  readonly #absent = new Map<string, string>();
  readonly #unsupported = new Map<string, { at: string; what: string; count: number }>();

  constructor(parts: Parts, tensors: Tensors, file: string, pinning: Pinning | undefined) {
    this.#parts = parts;
    this.#targets = new Targets(parts);
    this.#pinning = pinning;
    this.#proto = parts.proto;
    this.#tensors = tensors;
    this.#file = file;
    this.#opset = mainOpset(parts.proto, file);
  }

  build(): Built {
    const { graph } = this.#proto;
    const { stores, steps } = this.#parts;
    for (const [name, tensor] of this.#tensors) {
      // Only what edits can reach has the file's name.
      const stored = stores.get(name)?.spot === undefined ? "" : name;
      const value = tensor && constant(tensor, stored);
      if (value !== undefined) this.#fourBits.note(value, stores.get(name)?.stored.element.name);
      this.#define(name, value);
    }
    const inputs = graph.inputs
      .filter((info) => !this.#tensors.has(info.name))
      .flatMap((info) => this.#input(info) ?? []);
    const given = new Set([...graph.inputs, ...graph.initializers].map((v) => v.name));
    for (const step of inOrder(steps, given, this.#file)) this.#node(step);
    const outputs = this.#outputs(graph);
    this.#tellUnsupported();
    const made: Graph = { inputs, outputs: outputs.all };
    const model: Model = {
      format: "onnx",
      name: this.#file.split(/[/\\]/).at(-1)!,
      graph: made,
      partial: this.#problems.length > 0,
      ownOutputs: outputs.own,
      ends: this.#ends.all(),
      facts: factsOf(this.#proto, this.#opset, stores),
      names: this.#names,
      origins: this.#origins,
      parameters: parameters(made),
      notes: notesOf(made),
    };
    const { arguments: read, targets } = { arguments: this.#arguments, targets: this.#targets };
    return { model, problems: this.#problems, arguments: read, targets };
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
      this.#fourBits.note(value, element.name);
      this.#define(info.name, value);
      return value;
    }
    return undefined;
  }

  #node(step: Step): void {
    const { proto: node } = step;
    if (isConstantNode(node)) return;
    const place = placeOf(step);
    const read = [...node.inputs, ...step.captures];
    const missing = read.find((n) => n !== "" && !this.#values.has(n));
    const inputs = node.inputs.map((n) => (n === "" ? undefined : this.#values.get(n)));
    const lost = read.some((n) => n !== "" && this.#values.get(n) === undefined);
    const give = (outputs: readonly (Value | undefined)[]) =>
      node.outputs.forEach((output, i) => {
        if (output === "") return;
        this.#define(output, outputs[i]);
        if (outputs.length > 0 && outputs[i] === undefined) this.#absent.set(output, place);
      });
    /** @param told the place where the reason is told; absent where an input is lost */
    const giveUp = (told?: string) => {
      for (const n of read) {
        const v = this.#values.get(n);
        // Lengths, and what stored tensors alone decide, are no results.
        if (v === undefined || this.#contents.of(v) !== undefined || isConstant(v)) continue;
        this.#frontier.add(v);
        if (told !== undefined) this.#ends.add(told, v);
      }
      give([]);
    };
    for (const n of read) this.#tellAbsent(n);
    if (missing !== undefined) {
      this.#problem(
        "unreadable-model",
        `its input "${missing}" is not defined anywhere in the graph`,
        place,
      );
      giveUp(place);
      return;
    }
    const branch = step.branches && this.#branch(step.branches, inputs[0]);
    if (branch !== undefined && !lost) {
      this.#inside(branch);
      give(branch.outputs.map((name) => this.#values.get(name)));
      return;
    }
    const unsupported = this.#unsupportedAt(step);
    if (unsupported !== undefined || lost) {
      giveUp(unsupported);
      return;
    }
    try {
      give(this.#apply(step, inputs));
    } catch (error) {
      // InvalidNode is what operators say of a node; any other error is theirs, about a file never seen.
      const why = error instanceof Error ? error.message : String(error);
      this.#problem(
        "unreadable-model",
        error instanceof InvalidNode ? why : `${node.type} cannot be applied: ${why}`,
        place,
      );
      giveUp(place);
    }
  }

  /** The branch that is taken; undefined where the data decide. */
  #branch(
    branches: NonNullable<Step["branches"]>,
    condition: Value | undefined,
  ): Branch | undefined {
    const item = this.#contents.of(condition)?.items[0];
    if (typeof item !== "number") return undefined;
    return item === 0 ? branches.whenFalse : branches.whenTrue;
  }

  #inside({ steps, tensors }: Branch): void {
    const given = new Set(tensors.map((t) => t.name));
    for (const step of inOrder(steps, given, this.#file)) this.#node(step);
  }

  #apply(read: Step, given: readonly (Value | undefined)[]): readonly (Value | undefined)[] {
    const known = (value: Value | undefined) => this.#contents.of(value);
    const { step, inputs } = this.#pinning?.settled(read, given, known) ?? {
      step: read,
      inputs: given,
    };
    const { proto: node, opset } = step;
    let target: Tensor | undefined;
    const name = scopedName(node) ?? step.name;
    const origin: Origin = { index: step.index, type: node.type, name: step.name };
    const apply = (
      type: string,
      attrs: Attrs,
      ...given: (Value | undefined)[]
    ): readonly Value[] => {
      while (given.length > 0 && given.at(-1) === undefined) given.pop();
      const own = type === "Reshape" && node.type === type && given[1] === inputs[1];
      const named = own ? this.#targets.nameOf(step) : undefined;
      const call = statesGiven(this.#targets.named(resolved(type, attrs, given, known), named));
      const operator = operatorOfType.get(call.type);
      if (operator === undefined) throw new InvalidNode(`operator ${call.type} is not supported`);
      const form = (call.own ? undefined : operator.fromOnnx?.(call)) ?? call;
      const made = operator.node(form.attrs, form.inputs, name);
      for (const { shape } of made.outputs) checkShape(shape, call.type);
      if (own) target = constantOf(made.inputs[1]);
      this.#origins.set(made, origin);
      const computed = this.#computed(made);
      this.#fourBits.follow(call.type, given, computed);
      return computed;
    };
    const contrib = contribOf(node.domain, node.type, opset);
    const attrs = attributesOf(node, contrib ?? onnxOperator(node.type)!);
    const outputs = node.outputs.length;
    const call = { type: node.type, opset, attrs, inputs, outputs, apply };
    const expand = contrib?.expand ?? this.#fourBits.quantize(call) ?? upgrade;
    const results = expand(call);
    this.#arguments.note(step, inputs, results, (n) => this.#tensors.has(n), target);
    return results;
  }

  /** Constants in place of outputs that are known already. */
  #computed(made: Node): readonly Value[] {
    const known = this.#contents.note(made);
    if (isRepeated(made)) return made.outputs;
    if (made.outputs.every((_, i) => known[i] !== undefined) && !isStored(made))
      return known.map((tensor) => constant(tensor!));
    const folded = isStored(made) || !made.inputs.every(isLoaded) ? undefined : foldNode(made);
    return folded ?? made.outputs;
  }

  /** Where it is told that there is no such operator; undefined for those that there are. */
  #unsupportedAt(step: Step): string | undefined {
    const { opset } = step;
    const { type, domain } = step.proto;
    const own = domain === "" || domain === "ai.onnx";
    const known = own ? onnxOperator(type) : undefined;
    const written = operatorOfType.has(type) || isExpanded(type);
    if (known !== undefined && written && opset >= known.oldest) return undefined;
    if (contribOf(domain, type, opset) !== undefined) return undefined;
    const kind = own
      ? `operator ${type} (opset ${opset})`
      : `operator ${type} of domain ${domain}${this.#version(domain)}`;
    const what = step.branches === undefined ? kind : `${kind} whose condition depends on the data`;
    const at = this.#unsupported.get(what)?.at ?? placeOf(step);
    const count = (this.#unsupported.get(what)?.count ?? 0) + 1;
    this.#unsupported.set(what, { at, what, count });
    return at;
  }

  #version(domain: string): string {
    const version = this.#proto.opsets.find((o) => o.domain === domain)?.version;
    return version === undefined ? "" : ` (version ${version})`;
  }

  /** The model's outputs, or as far towards them as the graph goes. */
  #outputs(graph: GraphProto): { readonly all: readonly Value[]; readonly own: number } {
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
    return {
      all: [...new Set([...outputs, ...this.#frontier])],
      own: new Set(outputs).size,
    };
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

/**
 * Whether the node lays out or converts a stored parameter: that stays in the graph, with the name by
 * which it is listed and cut. Integers that make integers are no parameters.
 */
function isStored({ inputs, outputs }: Node): boolean {
  if (!outputs.some((v) => isFloat(v.dtype))) return false;
  return inputs.some((v) => {
    const tensor = constantOf(v);
    return tensor !== undefined && v?.node.name !== "" && size(tensor.shape) > 1;
  });
}

/** A constant that is repeated, such as a first state: how often is cut by its shape. */
const isRepeated = ({ operator, outputs: [y] }: Node): boolean =>
  typeof operator !== "string" &&
  (operator.type === "ConstantOfShape" || operator.type === "Expand") &&
  isFloat(y.dtype) &&
  y.shape.some((d) => d !== 1);

function isLoaded(value: Value | undefined): boolean {
  if (value === undefined) return true;
  const tensor = constantOf(value);
  return tensor !== undefined && inMemory(tensor);
}

/** Stored floats, and integers that are dequantised. */
function parameters(graph: Graph): number {
  let count = 0;
  const nodes = nodesOf(graph);
  const quantised = new Set(
    nodes.flatMap((node) => (typeOf(node) === "DequantizeLinear" ? [node.inputs[0]] : [])),
  );
  for (const {
    operator,
    outputs: [value],
    name,
  } of nodes)
    if (operator === "constant" && name !== "" && (isFloat(value.dtype) || quantised.has(value)))
      count += size(value.shape as number[]);
  return count;
}

const typeOf = ({ operator }: Node): string =>
  typeof operator === "string" ? operator : operator.type;

function notesOf(graph: Graph): readonly string[] {
  const count = nodesOf(graph).filter((node) => typeOf(node) === "QuantizeLinear").length;
  if (count === 0) return [];
  return [
    `${count === 1 ? "a value is" : `${count} values are`} quantised: derivatives go straight through the rounding, as if it were not there`,
  ];
}
