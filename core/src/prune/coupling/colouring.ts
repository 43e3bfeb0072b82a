import type { Value } from "../../ir/graph.ts";
import { each } from "../../ops/channels.ts";
import type { Refusal } from "../plan.ts";
import type { KnownRefusals } from "./closure.ts";
import { type End, type Link, unitsAlong } from "./links.ts";
import type { Structure } from "./structure.ts";
import { type Place, type Takes, Walk } from "./walk.ts";

/** The indices of one axis of a value that a colour came to, and by index which; NONE elsewhere. */
export interface Coloured {
  readonly value: Value;
  readonly axis: number;
  readonly indices: readonly number[];
  readonly colours: Int32Array;
}

const NONE = -1;

/**
 * The coupled units of a whole layer at once. Every unit starts with a colour of its own, all colours
 * walk together, and those that meet become one: what is left of the colours are the groups. Units go
 * much alike, so one walk does what would take a closure for each of them.
 */
export class Colouring extends Walk {
  readonly #parents: Int32Array;
  /** By the colour that stands for those that met. */
  readonly #refusals = new Map<number, Refusal>();
  readonly #coloured = new Map<Value, Map<number, Painted>>();
  readonly #known: KnownRefusals;

  /** @param units the indices that get colours: their own numbers */
  constructor(
    structure: Structure,
    known: KnownRefusals,
    value: Value,
    axis: number,
    units: readonly number[],
    takes?: Takes,
  ) {
    super(structure, takes);
    this.#known = known;
    this.#parents = Int32Array.from({ length: unitsAlong(value.shape[axis]) }, (_, i) => i);
    this.#paint(value, axis, units, units);
    this.walk();
  }

  /** The colour that stands for all that met. */
  root(colour: number): number {
    const parents = this.#parents;
    let root = colour;
    while (parents[root] !== root) root = parents[root];
    for (let c = colour; c !== root; ) {
      const next = parents[c];
      parents[c] = root;
      c = next;
    }
    return root;
  }

  /** Some colour cannot go. */
  get refuses(): boolean {
    return this.#refusals.size > 0;
  }

  /** Why what has the colour cannot go. */
  refusal(colour: number): Refusal | undefined {
    return this.#refusals.get(this.root(colour));
  }

  /** What has the colour cannot go. */
  refuseColour(colour: number, refusal: Refusal): void {
    const root = this.root(colour);
    if (!this.#refusals.has(root)) this.#refusals.set(root, refusal);
  }

  *coloured(): Iterable<Coloured> {
    for (const [value, axes] of this.#coloured)
      for (const [axis, painted] of axes) yield { value, axis, ...painted };
  }

  protected copy({ value, axis, indices }: Place, to: Value): void {
    const from = this.#paintedOf(value, axis).colours;
    const colours = indices.map((i) => from[i]);
    this.#paint(to, axis, indices, colours);
  }

  protected pass(from: End, { ends }: Link, indices: readonly number[]): void {
    const own = this.#paintedOf(from.value, from.axis).colours;
    const colours = indices.map((i) => own[i]);
    const labels = from.label === each ? indices : indices.map(from.label);
    let byLabel: Map<number, number> | undefined;
    if (from.label !== each) byLabel = this.#byLabel(labels, colours);
    for (const end of ends) {
      const { length } = end;
      if (end.label === each && byLabel === undefined)
        this.#paint(end.value, end.axis, labels, colours);
      else {
        byLabel ??= this.#byLabel(labels, colours);
        const there: number[] = [];
        const painted: number[] = [];
        for (let i = 0; i < length; i++) {
          const colour = byLabel.get(end.label(i));
          if (colour === undefined) continue;
          there.push(i);
          painted.push(colour);
        }
        this.#paint(end.value, end.axis, there, painted);
      }
    }
  }

  protected ofOneUnit({ value, axis, indices }: Place): readonly number[] {
    const colours = this.#paintedOf(value, axis).colours;
    const first = this.root(colours[indices[0]]);
    return indices.filter((i) => this.root(colours[i]) === first);
  }

  protected open({ value, axis, indices }: Place): readonly number[] {
    const colours = this.#paintedOf(value, axis).colours;
    const known = this.#known.at(value, axis);
    if (known !== undefined)
      for (const i of indices) {
        const refusal = known.get(i);
        if (refusal !== undefined) this.refuseColour(colours[i], refusal);
      }
    if (this.#refusals.size === 0) return indices;
    return indices.filter((i) => this.refusal(colours[i]) === undefined);
  }

  protected refuse({ value, axis, indices }: Place, refusal: Refusal): boolean {
    const colours = this.#paintedOf(value, axis).colours;
    for (const i of indices) this.refuseColour(colours[i], refusal);
    return true;
  }

  /** Indices with the same label are of one unit. */
  #byLabel(labels: readonly number[], colours: readonly number[]): Map<number, number> {
    const found = new Map<number, number>();
    labels.forEach((label, k) => {
      const before = found.get(label);
      if (before === undefined) found.set(label, colours[k]);
      else this.#join(before, colours[k]);
    });
    return found;
  }

  #paint(value: Value, axis: number, indices: readonly number[], colours: readonly number[]): void {
    const { colours: there, indices: painted } = this.#paintedOf(value, axis);
    const fresh: number[] = [];
    for (let k = 0; k < indices.length; k++) {
      const i = indices[k];
      if (i < 0 || i >= there.length) continue;
      if (there[i] === NONE) {
        there[i] = colours[k];
        fresh.push(i);
        painted.push(i);
      } else if (there[i] !== colours[k]) this.#join(there[i], colours[k]);
    }
    if (fresh.length > 0) this.follow({ value, axis, indices: fresh });
  }

  #join(a: number, b: number): void {
    const [keep, other] = [this.root(a), this.root(b)];
    if (keep === other) return;
    const refusal = this.#refusals.get(other);
    this.#parents[other] = keep;
    if (refusal !== undefined) this.refuseColour(keep, refusal);
  }

  #paintedOf(value: Value, axis: number): Painted {
    const axes = this.#coloured.get(value) ?? new Map<number, Painted>();
    this.#coloured.set(value, axes);
    const colours = () => new Int32Array(unitsAlong(value.shape[axis])).fill(NONE);
    const found = axes.get(axis) ?? { colours: colours(), indices: [] };
    axes.set(axis, found);
    return found;
  }
}

interface Painted {
  readonly colours: Int32Array;
  readonly indices: number[];
}
