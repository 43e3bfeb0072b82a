import { constantOf, isInput, type Node, type Value } from "../../ir/graph.ts";
import type { Refusal } from "../plan.ts";
import { isOfHeads } from "./heads.ts";
import type { End, Link } from "./links.ts";
import { place, type Structure } from "./structure.ts";

/** Some indices of one axis of a value. */
export interface Place {
  readonly value: Value;
  readonly axis: number;
  readonly indices: readonly number[];
}

export type Takes = "usual" | "other";

/**
 * Follows the links from some indices to all that go with them: forward to where they are summed up, and
 * backward to all that computes what they are added to, multiplied with or stored in. What is noted of
 * the indices is the subclass's.
 */
export abstract class Walk {
  /** What holds between the indices. */
  readonly links = new Set<Link>();
  protected readonly structure: Structure;
  readonly #open: Place[] = [];
  readonly #chosen = new Map<Node, Link[]>();
  readonly #takes: Takes;
  #ambiguous = false;

  /** @param takes which of several arrangements: heads and fewest indices, or places of heads and most indices */
  constructor(structure: Structure, takes: Takes = "usual") {
    this.structure = structure;
    this.#takes = takes;
  }

  /** A node could have taken the units in several arrangements. */
  get ambiguous(): boolean {
    return this.#ambiguous;
  }

  /** The same indices of the same axis of another value. */
  protected abstract copy(from: Place, to: Value): void;
  /** The indices that have the same labels at every end. */
  protected abstract pass(from: End, link: Link, indices: readonly number[]): void;
  /** Of indices that arrive together those that are of one unit: by them alternatives are judged. */
  protected abstract ofOneUnit(from: Place): readonly number[];
  /** Those that are worth following; or why none can go. */
  protected abstract open(from: Place): readonly number[] | Refusal;
  /** The indices cannot go. True: what does not go with them is followed further. */
  protected abstract refuse(from: Place, refusal: Refusal): boolean;

  protected follow(place: Place): void {
    this.#open.push(place);
  }

  /** Until nothing new comes in. */
  protected walk(): Refusal | undefined {
    for (let next = this.#open.pop(); next !== undefined; next = this.#open.pop()) {
      const { value, axis } = next;
      const found = this.open(next);
      const from = "because" in found ? next : { value, axis, indices: found };
      if (from.indices.length === 0) continue;
      const refusal = "because" in found ? found : (this.#made(from) ?? this.#read(from));
      if (refusal !== undefined && !this.refuse(from, refusal)) return refusal;
    }
    return undefined;
  }

  /** What makes the value. */
  #made(from: Place): Refusal | undefined {
    const { value } = from;
    const { node } = value;
    if (isInput(value)) return { because: "its units are an input of the model", at: place(node) };
    if (constantOf(value) === undefined) return this.#through(node, from, undefined);
    if (node.name === "") return this.#computed(value);
    for (const same of this.structure.stored.get(node.name) ?? [])
      if (same !== value) this.copy(from, same);
    return undefined;
  }

  #computed(value: Value): Refusal {
    const [reader] = this.structure.uses.get(value) ?? [value.node];
    return { because: "its parameters are computed, not stored", at: place(reader) };
  }

  /** What reads the value. */
  #read(from: Place): Refusal | undefined {
    const { value } = from;
    if (this.structure.outputs.has(value))
      return { because: "its units reach an output of the model", at: place(value.node) };
    for (const node of this.structure.uses.get(value) ?? [])
      for (let input = 0; input < node.inputs.length; input++) {
        if (node.inputs[input] !== value) continue;
        const refusal = this.#through(node, from, input);
        if (refusal !== undefined) return refusal;
      }
    return undefined;
  }

  #through(node: Node, from: Place, input: number | undefined): Refusal | undefined {
    const { value, axis } = from;
    const all = this.structure.links(node);
    const possible = all?.of(value, axis, input) ?? [];
    const isHere = (e: End) => e.is(value, axis, input);
    const links = this.#choose(node, possible, from, isHere);
    if (links.length === 0 && possible.length > 0)
      return { because: "the units that are asked for take it apart in two ways", at: place(node) };
    if (links.length === 0)
      return { because: all?.because(axis, input) ?? "it has no units", at: place(node) };
    for (const link of links) {
      this.links.add(link);
      for (const end of link.ends) if (isHere(end)) this.pass(end, link, from.indices);
    }
    return undefined;
  }

  /**
   * Of alternative links the one taken before, else the one by which no other index goes, else the one that
   * takes whole heads of an attention, else the one by which the fewest indices go.
   */
  #choose(
    node: Node,
    links: readonly Link[],
    from: Place,
    isHere: (end: End) => boolean,
  ): readonly Link[] {
    if (!links.some((l) => l.alternative)) return links;
    const chosen = this.#chosen.get(node) ?? [];
    const own = links.filter((l) => chosen.includes(l));
    if (own.length > 0) return own;
    const free = links.filter((l) => !chosen.some((c) => shareAnEnd(l, c)));
    if (free.length > 1) this.#ambiguous = true;
    const unit = this.ofOneUnit(from);
    const sizes = free.map((link) => {
      const end = link.ends.find(isHere)!;
      return end.indices(new Set(unit.map(end.label))).length;
    });
    const best = this.#best(free, sizes, unit.length, isHere);
    this.#chosen.set(node, [...chosen, ...best]);
    return best;
  }

  #best(
    links: readonly Link[],
    sizes: readonly number[],
    asked: number,
    isHere: (end: End) => boolean,
  ): readonly Link[] {
    const fewest = Math.min(...sizes);
    const heads =
      fewest === asked
        ? []
        : links.filter((l) => isOfHeads(this.structure, l, l.ends.find(isHere)!));
    const sizeOf = (link: Link) => sizes[links.indexOf(link)];
    if (this.#takes === "usual" && heads.length > 0)
      return heads.toSorted((a, b) => sizeOf(a) - sizeOf(b)).slice(0, 1);
    const size = this.#takes === "usual" || heads.length > 0 ? fewest : Math.max(...sizes);
    return links.slice(sizes.indexOf(size)).slice(0, 1);
  }
}

const shareAnEnd = (a: Link, b: Link): boolean =>
  a.ends.some((e) => b.ends.some((f) => e.value === f.value && e.axis === f.axis));
