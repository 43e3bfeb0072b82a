import { constantOf, isInput, type Node, type Value } from "../ir/graph.ts";
import type { End, Link } from "./links.ts";
import type { Refusal } from "./plan.ts";
import { place, type Structure } from "./structure.ts";

/** Indices along one axis of one value. */
export interface Removal {
  readonly value: Value;
  readonly axis: number;
  readonly indices: ReadonlySet<number>;
}

/**
 * Everything that goes when some indices of a value go: forward to where they are summed up, and
 * backward to all that computes what they are added to, multiplied with or stored in. The coupled
 * indices are an equivalence class, so it does not matter where the search starts.
 */
export class Closure {
  /** What holds between the indices. */
  readonly links = new Set<Link>();
  /** A node could have taken the units in several arrangements. */
  ambiguous = false;
  readonly #structure: Structure;
  readonly #known: KnownRefusals | undefined;
  readonly #gone = new Map<Value, Map<number, Set<number>>>();
  readonly #open: { value: Value; axis: number; indices: readonly number[] }[] = [];
  readonly #chosen = new Map<Node, Link[]>();

  constructor(structure: Structure, known?: KnownRefusals) {
    this.#structure = structure;
    this.#known = known;
  }

  /** Removes indices, and all that goes with them. */
  remove(value: Value, axis: number, indices: readonly number[]): Refusal | undefined {
    this.#add(value, axis, indices);
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) {
      const refusal =
        this.#known?.find(next.value, next.axis, next.indices) ??
        this.#made(next.value, next.axis, next.indices) ??
        this.#read(next.value, next.axis, next.indices);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  /** Ascending. */
  gone(value: Value, axis: number): readonly number[] {
    return [...(this.#gone.get(value)?.get(axis) ?? [])].sort((a, b) => a - b);
  }

  *removals(): Iterable<Removal> {
    for (const [value, axes] of this.#gone)
      for (const [axis, indices] of axes) yield { value, axis, indices };
  }

  #add(value: Value, axis: number, indices: readonly number[]): void {
    const axes = this.#gone.get(value) ?? new Map<number, Set<number>>();
    const gone = axes.get(axis) ?? new Set();
    const fresh = indices.filter((i) => !gone.has(i));
    if (fresh.length === 0) return;
    for (const i of fresh) gone.add(i);
    this.#gone.set(value, axes.set(axis, gone));
    this.#open.push({ value, axis, indices: fresh });
  }

  /** What makes the value. */
  #made(value: Value, axis: number, indices: readonly number[]): Refusal | undefined {
    const { node } = value;
    if (isInput(value)) return { because: "its units are an input of the model", at: place(node) };
    if (constantOf(value) === undefined)
      return this.#through(node, value, axis, undefined, indices);
    if (node.name === "") return this.#computed(value);
    for (const same of this.#structure.stored.get(node.name) ?? []) this.#add(same, axis, indices);
    return undefined;
  }

  #computed(value: Value): Refusal {
    const [reader] = this.#structure.uses.get(value) ?? [value.node];
    return { because: "its parameters are computed, not stored", at: place(reader) };
  }

  /** What reads the value. */
  #read(value: Value, axis: number, indices: readonly number[]): Refusal | undefined {
    if (this.#structure.outputs.has(value))
      return { because: "its units reach an output of the model", at: place(value.node) };
    for (const node of this.#structure.uses.get(value) ?? [])
      for (let input = 0; input < node.inputs.length; input++) {
        if (node.inputs[input] !== value) continue;
        const refusal = this.#through(node, value, axis, input, indices);
        if (refusal !== undefined) return refusal;
      }
    return undefined;
  }

  #through(
    node: Node,
    value: Value,
    axis: number,
    input: number | undefined,
    indices: readonly number[],
  ): Refusal | undefined {
    const all = this.#structure.links(node);
    const possible = all?.of(value, axis, input) ?? [];
    const isHere = (e: End) => e.is(value, axis, input);
    const links = this.#choose(node, possible, indices, isHere);
    if (links.length === 0 && possible.length > 0)
      return { because: "the units that are asked for take it apart in two ways", at: place(node) };
    if (links.length === 0)
      return { because: all?.because(axis, input) ?? "it has no units", at: place(node) };
    for (const link of links) {
      this.links.add(link);
      for (const from of link.ends) {
        if (!isHere(from)) continue;
        const labels = new Set(indices.map(from.label));
        for (const end of link.ends) this.#add(end.value, end.axis, end.indices(labels));
      }
    }
    return undefined;
  }

  /** Of alternative links the one taken before, else the one by which the fewest indices go. */
  #choose(
    node: Node,
    links: readonly Link[],
    indices: readonly number[],
    isHere: (end: End) => boolean,
  ): readonly Link[] {
    if (!links.some((l) => l.alternative)) return links;
    const chosen = this.#chosen.get(node) ?? [];
    const own = links.filter((l) => chosen.includes(l));
    if (own.length > 0) return own;
    const free = links.filter((l) => !chosen.some((c) => shareAnEnd(l, c)));
    if (free.length > 1) this.ambiguous = true;
    const sizes = free.map((link) => {
      const end = link.ends.find(isHere)!;
      const labels = new Set(indices.map(end.label));
      return end.indices(labels).length;
    });
    const best = free.slice(sizes.indexOf(Math.min(...sizes))).slice(0, 1);
    this.#chosen.set(node, [...chosen, ...best]);
    return best;
  }
}

const shareAnEnd = (a: Link, b: Link): boolean =>
  a.ends.some((e) => b.ends.some((f) => e.value === f.value && e.axis === f.axis));

/** Indices that are known not to go: what is coupled with them cannot go either. */
export class KnownRefusals {
  readonly #places = new Map<Value, Map<number, Map<number, Refusal>>>();

  find(value: Value, axis: number, indices: readonly number[]): Refusal | undefined {
    const known = this.#places.get(value)?.get(axis);
    if (known === undefined) return undefined;
    for (const i of indices) {
      const refusal = known.get(i);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  note(closure: Closure, refusal: Refusal): void {
    for (const { value, axis, indices } of closure.removals()) {
      const axes = this.#places.get(value) ?? new Map<number, Map<number, Refusal>>();
      const known = axes.get(axis) ?? new Map<number, Refusal>();
      for (const i of indices) known.set(i, refusal);
      this.#places.set(value, axes.set(axis, known));
    }
  }
}
