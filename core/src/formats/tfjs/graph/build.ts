import {
  constant,
  type Graph,
  input,
  type Node,
  topological,
  type Value,
} from "../../../ir/graph.ts";
import { isFloat, type Shape, size, type Tensor } from "../../../ir/tensor.ts";
import type { Limits } from "../../../limits.ts";
import { InvalidNode } from "../../../ops/operator.ts";
import { type Problem, type ProblemCode, problem } from "../../../problem.ts";
import { Ends } from "../../ends.ts";
import type { Facts, Model, Origin } from "../../model.ts";
import type { JsonRecord } from "../json.ts";
import { Call, type SettingSource, type Shared, Unsupported } from "./call.ts";
import { type GraphNode, nodesOf, type Reference } from "./graphDef.ts";
import { type Given, plain, type SizeEntry, shapeOf } from "./held.ts";
import { orderOf } from "./order.ts";
import { isPlaceholder, type Named, signatureOf } from "./signature.ts";
import { areLengths, sizeOperators } from "./sizes.ts";
import { converterOf, refusal } from "./table.ts";

export interface BuiltGraph {
  readonly model: Model;
  readonly problems: readonly Problem[];
  /** Targets of Reshape that are put together from stored numbers, by the name of their constant. */
  readonly targets: ReadonlyMap<string, readonly SizeEntry[]>;
  /** Stored lists that attributes come from. */
  readonly settings: ReadonlyMap<Node, ReadonlyMap<string, SettingSource>>;
  /** In TensorFlow's order, by "node:output". */
  readonly shapes: ReadonlyMap<string, Shape>;
}

/** The graph of a graph model; `model` is its whole JSON, `topology` the GraphDef in it. */
export function buildGraph(
  model: JsonRecord,
  topology: JsonRecord,
  tensors: ReadonlyMap<string, Tensor | undefined>,
  facts: Facts,
  file: string,
  limits: Limits,
): BuiltGraph {
  return new Builder(model, nodesOf(topology, file, limits), tensors, file).build(facts);
}

const key = ({ node, output }: Reference): string => `${node}:${output}`;

class Builder {
  readonly #model: JsonRecord;
  readonly #nodes: ReadonlyMap<string, GraphNode>;
  readonly #tensors: ReadonlyMap<string, Tensor | undefined>;
  readonly #file: string;
  /** undefined: the value is in the file, but what computes it could not be read. */
  readonly #values = new Map<string, Given | undefined>();
  readonly #names = new Map<Value, string>();
  readonly #origins = new Map<Node, Origin>();
  readonly #shapes = new Map<string, Shape>();
  readonly #targets = new Map<string, readonly SizeEntry[]>();
  readonly #settings = new Map<Node, Map<string, SettingSource>>();
  readonly #uses = new Map<string, number>();
  readonly #taken = new Set<string>();
  readonly #frontier = new Set<Value>();
  readonly #ends = new Ends();
  readonly #problems: Problem[] = [];
  readonly #unsupported = new Map<string, { at: string; count: number }>();
  readonly #orders = new Map<Value, Map<string, Value>>();

  constructor(
    model: JsonRecord,
    nodes: ReadonlyMap<string, GraphNode>,
    tensors: ReadonlyMap<string, Tensor | undefined>,
    file: string,
  ) {
    this.#model = model;
    this.#nodes = nodes;
    this.#tensors = tensors;
    this.#file = file;
  }

  build(facts: Facts): BuiltGraph {
    const signature = signatureOf(this.#model, this.#nodes);
    const inputs = signature.inputs.flatMap((named) => this.#input(named) ?? []);
    const outputs = signature.outputs.map((o) => o.at);
    const order = orderOf(this.#nodes, outputs, this.#file);
    for (const ref of [...order.flatMap((n) => n.inputs), ...outputs])
      this.#uses.set(key(ref), (this.#uses.get(key(ref)) ?? 0) + 1);
    for (const node of order) if (!this.#values.has(`${node.name}:0`)) this.#node(node);
    const { all, own } = this.#outputs(signature.outputs);
    const graph: Graph = { inputs, outputs: all };
    this.#tellUnsupported();
    const model: Model = {
      format: "tfjs",
      name: this.#file.split(/[/\\]/).at(-1)!,
      graph,
      partial: this.#problems.length > 0,
      ownOutputs: own,
      ends: this.#ends.all(),
      facts: { ...facts, nodes: this.#nodes.size },
      names: this.#names,
      origins: this.#origins,
      parameters: parameters(graph),
    };
    return {
      model,
      problems: this.#problems,
      targets: this.#targets,
      settings: this.#settings,
      shapes: this.#shapes,
    };
  }

  #input({ at, dtype, shape }: Named): Value | undefined {
    const node = this.#nodes.get(at.node)!;
    const type = node.attributes.dtype("dtype") ?? dtype;
    const dims = shape ?? node.attributes.shape("shape", node.name);
    if (!isPlaceholder(node)) return undefined;
    if (type === undefined || dims === undefined) {
      const why = type === undefined ? "is not of a supported element type" : "has no known rank";
      this.#problem("unreadable-model", `the input ${why}`, `input ${node.name}`);
      this.#values.set(`${node.name}:0`, undefined);
      return undefined;
    }
    const value = input(node.name, type, dims);
    this.#give(node, [plain(value)]);
    return value;
  }

  #give(node: GraphNode, outputs: readonly (Given | undefined)[]): void {
    outputs.forEach((given, i) => {
      const name = `${node.name}:${i}`;
      this.#values.set(name, given);
      if (given?.kind !== "tensor") return;
      this.#shapes.set(name, shapeOf(given));
      if (!this.#names.has(given.value)) this.#names.set(given.value, i === 0 ? node.name : name);
    });
  }

  #node(node: GraphNode): void {
    if (node.op === "Const") {
      this.#constant(node);
      return;
    }
    const inputs = node.inputs.map((r) => this.#values.get(key(r)));
    const known = inputs.filter((given) => given !== undefined);
    /** Where the reason is told; absent where an input is lost. */
    let told: string | undefined;
    if (known.length === inputs.length) {
      told = `node ${node.name}`;
      try {
        this.#give(node, this.#convert(node, known));
        return;
      } catch (error) {
        if (error instanceof Unsupported) told = this.#refuse(node, error.message);
        else this.#problem("unreadable-model", reasonOf(error, node), told);
      }
    } else this.#tellMissing(node);
    for (const given of known)
      if (given.kind === "tensor" && given.value.node.operator !== "constant") {
        const value = this.#plain({ ...given, blocks: undefined }, node);
        this.#frontier.add(value);
        if (told !== undefined) this.#ends.add(told, value);
      }
    this.#give(node, [undefined]);
  }

  /** Inputs that are lost have been told where they were lost. */
  #tellMissing(node: GraphNode): void {
    const missing = node.inputs.find((r) => !this.#values.has(key(r)) && !this.#lost(r.node));
    if (missing !== undefined)
      this.#problem(
        "unreadable-model",
        `its input "${key(missing)}" is not defined anywhere in the graph`,
        `node ${node.name}`,
      );
  }

  /** Whether the node was given up: then so are all of its outputs. */
  #lost(name: string): boolean {
    return this.#values.has(`${name}:0`) && this.#values.get(`${name}:0`) === undefined;
  }

  #constant(node: GraphNode): void {
    const tensor = this.#tensors.get(node.name);
    // Why a weight cannot be read has been told with the manifest.
    if (tensor === undefined && !this.#tensors.has(node.name))
      this.#problem(
        "unreadable-model",
        "there is no weight of that name in the manifest",
        `node ${node.name}`,
      );
    this.#give(node, [tensor && plain(constant(tensor, node.name))]);
  }

  #convert(node: GraphNode, inputs: readonly Given[]): readonly Given[] {
    const call = new Call(node, inputs, this.#shared(node));
    const arithmetic = areLengths(call) ? sizeOperators[node.op] : undefined;
    const convert = converterOf(node.op);
    if (convert === undefined) throw new Unsupported(refusal(node.op));
    let result: ReturnType<typeof convert>;
    try {
      result = (arithmetic ?? convert)(call);
    } catch (error) {
      if (arithmetic === undefined || !(error instanceof InvalidNode)) throw error;
      result = convert(call);
    }
    return "kind" in result ? [result] : result;
  }

  #shared(node: GraphNode): Shared {
    const origin: Origin = { index: node.index, type: node.op, name: node.name };
    return {
      orders: this.#orders,
      uses: (name, output) => this.#uses.get(`${name}:${output}`) ?? 0,
      made: (made) => this.#origins.set(made, origin),
      name: (wanted, type) => this.#unique(wanted, type),
      target: (name, entries) => this.#target(name, entries),
      setting: (made, attribute, source) => {
        const own = this.#settings.get(made) ?? new Map<string, SettingSource>();
        this.#settings.set(made, own.set(attribute, source));
      },
    };
  }

  /** Editing it must change nothing else: each stored number in it is read only here. */
  #target(name: string, entries: readonly SizeEntry[]): string {
    const stored = entries.flatMap((e) => e.from?.tensor ?? []);
    const shared = stored.some((tensor) => (this.#uses.get(`${tensor}:0`) ?? 0) > 1);
    if (shared || (this.#uses.get(`${name}:0`) ?? 0) > 1) return "";
    this.#targets.set(name, entries);
    return name;
  }

  #unique(wanted: string, type: string): string {
    let name = this.#taken.has(wanted) ? `${wanted}/${type}` : wanted;
    for (let i = 2; this.#taken.has(name); i++) name = `${wanted}/${type}_${i}`;
    this.#taken.add(name);
    return name;
  }

  /** In TensorFlow's order, for an output of the graph. */
  #plain(given: Given & { kind: "tensor" }, node: GraphNode): Value {
    const call = new Call(node, [given], this.#shared(node));
    return call.plain(0);
  }

  /** The model's outputs, or as far towards them as the graph goes. */
  #outputs(named: readonly Named[]): { readonly all: readonly Value[]; readonly own: number } {
    const outputs: Value[] = [];
    for (const { at, key: name } of named) {
      const given = this.#values.get(key(at));
      if (given?.kind === "tensor" && !given.blocks?.some((b) => b !== undefined))
        outputs.push(this.#plain(given, this.#nodes.get(at.node)!));
      else if (given !== undefined || (!this.#values.has(key(at)) && !this.#lost(at.node)))
        this.#problem(
          "unreadable-model",
          given === undefined
            ? "the output is not computed anywhere in the graph"
            : "the output is a shape or in blocks, which is not supported",
          `output ${name}`,
        );
    }
    if (named.length === 0) this.#problem("unreadable-model", "the graph has no outputs", "graph");
    return {
      all: [...new Set([...outputs, ...this.#frontier])],
      own: new Set(outputs).size,
    };
  }

  /** @returns the place where it is told */
  #refuse({ name, op }: GraphNode, why: string): string {
    const what = why.includes(op) ? why : `operation ${op}: ${why}`;
    const before = this.#unsupported.get(what);
    const at = before?.at ?? `node ${name}`;
    this.#unsupported.set(what, { at, count: (before?.count ?? 0) + 1 });
    return at;
  }

  #tellUnsupported(): void {
    for (const [what, { at, count }] of this.#unsupported) {
      const more = count === 1 ? "" : ` (nor ${count - 1} more such nodes)`;
      this.#problem("unsupported-operator", `${what}${more}: the graph is read up to there`, at);
    }
  }

  #problem(code: ProblemCode, message: string, place: string): void {
    this.#problems.push(problem(code, message, this.#file, place));
  }
}

/** InvalidNode is what converters and operators say of a node; any other error is about a file never seen. */
function reasonOf(error: unknown, { op }: GraphNode): string {
  const why = error instanceof Error ? error.message : String(error);
  return error instanceof InvalidNode ? `${op}: ${why}` : `${op} cannot be applied: ${why}`;
}

function parameters({ outputs }: Graph): number {
  let count = 0;
  for (const { operator, outputs: own, name } of topological(outputs))
    if (operator === "constant" && name !== "" && isFloat(own[0].dtype))
      count += size(own[0].shape as number[]);
  return count;
}
