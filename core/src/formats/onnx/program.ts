import { many, refuseOver } from "../../limits.ts";
import { fail } from "../../problem.ts";
import { type Decoding, decode } from "./decode.ts";
import { mainOpset } from "./facts.ts";
import {
  type AttributeProto,
  type FunctionProto,
  type GraphProto,
  graphSchema,
  type ModelProto,
  type NodeProto,
  type TensorProto,
} from "./schema.ts";
import type { Range } from "./wire.ts";

/**
 * One node to apply. The calls of functions are replaced by the functions' nodes, whose values get names
 * of their own: "call/value".
 */
export interface Step {
  readonly proto: NodeProto;
  /** For people: the path of the calls, then the node's name, or type and index where it has none. */
  readonly name: string;
  /** Of the node of the file's graph that it is, or is inside of. */
  readonly index: number;
  /** Of ONNX's own operators, where the node stands. */
  readonly opset: number;
  /** The messages around the node, where edits can reach it: in the graph itself. */
  readonly path: readonly Range[] | undefined;
  /** Values that its branches read, besides its inputs. */
  readonly captures: readonly string[];
  /** Of If. */
  readonly branches: { readonly whenTrue: Branch; readonly whenFalse: Branch } | undefined;
}

export interface Branch {
  readonly steps: readonly Step[];
  readonly outputs: readonly string[];
  readonly tensors: readonly NamedTensor[];
}

export interface NamedTensor {
  readonly name: string;
  readonly proto: TensorProto;
}

const DEEPEST = 32;

/** The nodes of the model's graph, with functions put in. Rejects with ProblemError at recursion. */
export async function stepsOf(
  decoding: Decoding,
  proto: ModelProto & { graph: GraphProto },
): Promise<readonly Step[]> {
  return new Inliner(decoding, proto).all();
}

/** Where a list of nodes stands: what its names mean, and in what calls. */
interface Scope {
  readonly path: readonly Range[] | undefined;
  /** Names of calls, with "/" at the end; "" in the graph itself. */
  readonly prefix: string;
  readonly index: number | undefined;
  readonly opset: number;
  readonly calls: readonly FunctionProto[];
  readonly depth: number;
  /** The attributes of the call, which nodes of the function refer to. */
  readonly attributes: ReadonlyMap<string, AttributeProto> | undefined;
  rename(name: string): string;
}

class Inliner {
  readonly #decoding: Decoding;
  readonly #proto: ModelProto & { graph: GraphProto };
  readonly #functions: ReadonlyMap<string, FunctionProto>;
  readonly #file: string;
  readonly #taken: Set<string>;
  readonly #again = new Map<string, number>();
  #count = 0;

  constructor(decoding: Decoding, proto: ModelProto & { graph: GraphProto }) {
    this.#decoding = decoding;
    this.#proto = proto;
    this.#file = decoding.window.source.name;
    this.#functions = new Map(proto.functions.map((f) => [keyOf(f, f.name), f]));
    const { graph } = proto;
    this.#taken = new Set(
      proto.functions.length === 0 && !graph.nodes.some(hasGraphs) ? [] : definedIn(graph),
    );
  }

  all(): Promise<Step[]> {
    const { graph } = this.#proto;
    return this.#steps(graph.nodes, {
      path: [graph.at],
      prefix: "",
      index: undefined,
      opset: mainOpset(this.#proto, this.#file),
      calls: [],
      depth: 0,
      attributes: undefined,
      rename: (name) => name,
    });
  }

  async #steps(nodes: readonly NodeProto[], scope: Scope): Promise<Step[]> {
    const steps: Step[] = [];
    for (const [i, node] of nodes.entries()) {
      const name = scope.prefix + (node.name || `${node.type}_${i}`);
      const index = scope.index ?? i;
      const { limits } = this.#decoding;
      if (++this.#count > limits.nodes) {
        const has = `with its functions the graph has more than ${many(limits.nodes)} nodes`;
        refuseOver(limits, "nodes", has, this.#file, `node ${name} (number ${index})`);
      }
      const proto = renamed(node, scope);
      const callee = this.#callee(node);
      if (callee !== undefined) {
        for (const step of await this.#call(callee, proto, name, { ...scope, index }))
          steps.push(step);
        continue;
      }
      const branches =
        node.type === "If" && isOwn(node.domain)
          ? await this.#branches(proto, name, { ...scope, index })
          : undefined;
      steps.push({
        proto,
        name,
        index,
        opset: scope.opset,
        path: scope.path,
        captures: branches === undefined ? [] : captured(branches),
        branches,
      });
    }
    return steps;
  }

  #callee(node: NodeProto): FunctionProto | undefined {
    return this.#functions.size === 0 ? undefined : this.#functions.get(keyOf(node, node.type));
  }

  /** The function's nodes, with its inputs and outputs named as the call names them. */
  async #call(
    callee: FunctionProto,
    call: NodeProto,
    name: string,
    scope: Scope & { readonly index: number },
  ): Promise<Step[]> {
    const { index } = scope;
    if (scope.calls.includes(callee))
      this.#refuse(`the function ${callee.name} calls itself`, name, index);
    this.#checkDepth(scope, name, index);
    if (call.inputs.length > callee.inputs.length || call.outputs.length > callee.outputs.length)
      this.#refuse(`it does not fit the function ${callee.name} that it calls`, name, index);
    const names = new Map(callee.inputs.map((formal, i) => [formal, call.inputs[i] ?? ""]));
    const copies: Step[] = [];
    callee.outputs.forEach((formal, i) => {
      const actual = call.outputs[i] ?? "";
      const from = names.get(formal);
      if (from === undefined) {
        if (actual !== "") names.set(formal, actual);
      } else if (actual !== "") copies.push(copyStep(call, from, actual, name, scope));
    });
    const own = callee.opsets.find((o) => isOwn(o.domain))?.version;
    const attributes = new Map(callee.defaults.map((a) => [a.name, a]));
    for (const attribute of call.attributes) attributes.set(attribute.name, attribute);
    const steps = await this.#steps(callee.nodes, {
      path: undefined,
      prefix: `${name}/`,
      index,
      opset: own ?? scope.opset,
      calls: [...scope.calls, callee],
      depth: scope.depth + 1,
      attributes,
      rename: this.#fresh(names, `${name}/`),
    });
    return [...steps, ...copies];
  }

  /** Names of values inside a call; those that are not its inputs or outputs become new ones. */
  #fresh(names: Map<string, string>, prefix: string): (name: string) => string {
    return (name) => {
      if (name === "") return name;
      const known = names.get(name);
      if (known !== undefined) return known;
      const wanted = prefix + name;
      let made = wanted;
      // Calls may have the same name: the n-th value of a name gets its number.
      for (let n = this.#again.get(wanted) ?? 1; this.#taken.has(made); n++) {
        this.#again.set(wanted, n + 1);
        made = `${wanted}'${n}`;
      }
      this.#taken.add(made);
      names.set(name, made);
      return made;
    };
  }

  async #branches(
    node: NodeProto,
    name: string,
    scope: Scope & { readonly index: number },
  ): Promise<Step["branches"]> {
    this.#checkDepth(scope, name, scope.index);
    const branch = async (attribute: string): Promise<Branch> => {
      const place = node.attributes.find((a) => a.name === attribute)?.g.at(-1);
      if (place === undefined) return this.#refuse(`If has no ${attribute}`, name, scope.index);
      const range = { number: 6, head: place.start, start: place.start, end: place.end };
      const graph = await decode(this.#decoding, graphSchema, range);
      const local = new Set(definedIn(graph));
      const prefix = `${name}/${attribute}/`;
      const fresh = this.#fresh(new Map(), prefix);
      const rename = (value: string) => (local.has(value) ? fresh(value) : scope.rename(value));
      return {
        steps: await this.#steps(graph.nodes, {
          ...scope,
          path: undefined,
          prefix,
          depth: scope.depth + 1,
          rename,
        }),
        outputs: graph.outputs.map((o) => rename(o.name)),
        tensors: graph.initializers.map((proto) => ({ name: rename(proto.name), proto })),
      };
    };
    return { whenTrue: await branch("then_branch"), whenFalse: await branch("else_branch") };
  }

  #checkDepth({ depth }: Scope, name: string, index: number): void {
    if (depth >= DEEPEST)
      this.#refuse(`functions and branches are nested more than ${DEEPEST} deep`, name, index);
  }

  #refuse(why: string, name: string, index: number): never {
    return fail("unreadable-model", why, this.#file, `node ${name} (number ${index})`);
  }
}

const isOwn = (domain: string): boolean => domain === "" || domain === "ai.onnx";

const keyOf = (
  { domain, overload }: Pick<NodeProto, "domain" | "overload">,
  name: string,
): string => JSON.stringify([isOwn(domain) ? "" : domain, name, overload]);

const hasGraphs = (node: NodeProto): boolean => node.attributes.some((a) => a.g.length > 0);

const definedIn = (graph: GraphProto): string[] => [
  ...graph.inputs.map((v) => v.name),
  ...graph.initializers.map((v) => v.name),
  ...graph.nodes.flatMap((n) => n.outputs),
];

/** The node with the names of its scope, and the attributes of the call where it refers to them. */
function renamed(node: NodeProto, { prefix, rename, attributes }: Scope): NodeProto {
  if (prefix === "") return node;
  return {
    ...node,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: node.attributes.flatMap((a) => {
      if (a.reference === "" || attributes === undefined) return [a];
      const given = attributes.get(a.reference);
      return given === undefined ? [] : [{ ...given, name: a.name }];
    }),
  };
}

const copyStep = (
  call: NodeProto,
  from: string,
  to: string,
  name: string,
  { index, opset }: Scope & { readonly index: number },
): Step => ({
  proto: {
    ...call,
    type: "Identity",
    domain: "",
    inputs: [from],
    outputs: [to],
    attributes: [],
  },
  name: `${name}/${to}`,
  index,
  opset,
  path: undefined,
  captures: [],
  branches: undefined,
});

/** What branches read and do not make themselves. */
function captured(branches: NonNullable<Step["branches"]>): readonly string[] {
  return [branches.whenTrue, branches.whenFalse].flatMap(({ steps, outputs, tensors }) => {
    const own = new Set([...tensors.map((t) => t.name), ...steps.flatMap((s) => s.proto.outputs)]);
    const read = [...steps.flatMap((s) => [...s.proto.inputs, ...s.captures]), ...outputs];
    return read.filter((name) => name !== "" && !own.has(name));
  });
}
