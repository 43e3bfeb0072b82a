import { constant, constantOf } from "../../ir/graph.ts";
import type { Step } from "./program.ts";
import type { Parts } from "./read.ts";
import type { Resolved } from "./shapeArguments.ts";

/**
 * Names for the targets of Reshape nodes that the file computes, or stores once for several nodes. By these
 * names edits set them, each node's for itself: see `arguments.ts`.
 */
export class Targets {
  readonly #parts: Parts;
  readonly #nodes = new Map<string, number>();
  #uses: Map<string, number> | undefined;
  #taken: Set<string> | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The node whose target has the name. */
  nodeOf(name: string): number | undefined {
    return this.#nodes.get(name);
  }

  /** How many inputs and outputs have the name. */
  uses(name: string): number {
    this.#uses ??= this.#counted();
    return this.#uses.get(name) ?? 0;
  }

  /** Undefined where the file stores it for this node alone, and where edits cannot reach the node. */
  nameOf(step: Step): string | undefined {
    const [, shape] = step.proto.inputs;
    if (step.path === undefined || shape === undefined || shape === "") return undefined;
    const store = this.#parts.stores.get(shape);
    if (store?.spot !== undefined && this.uses(shape) === 1) return undefined;
    const name = this.freshName(step, 1);
    this.#nodes.set(name, step.index);
    return name;
  }

  /** A name that no value of the file has; the same whenever it is asked for. */
  freshName(step: Step, input: number): string {
    this.#taken ??= new Set([
      ...this.#parts.stores.keys(),
      ...this.#parts.proto.graph.inputs.map((v) => v.name),
      ...this.#parts.steps.flatMap((s) => s.proto.outputs),
    ]);
    const shape = /^(Reshape|Expand|ConstantOfShape)$/.test(step.proto.type);
    let name = `${step.name}/${shape ? "shape" : `input${input}`}`;
    while (this.#taken.has(name)) name += "'";
    return name;
  }

  named(call: Resolved, name: string | undefined): Resolved {
    const [x, shape, ...others] = call.inputs;
    const target = constantOf(shape);
    if (name === undefined || target === undefined) return call;
    return { ...call, inputs: [x, constant(target, name), ...others] };
  }

  #counted(): Map<string, number> {
    const { steps, proto } = this.#parts;
    const uses = new Map<string, number>();
    const read = steps.flatMap((s) => [...s.proto.inputs, ...s.captures]);
    for (const name of [...read, ...proto.graph.outputs.map((v) => v.name)])
      uses.set(name, (uses.get(name) ?? 0) + 1);
    return uses;
  }
}
