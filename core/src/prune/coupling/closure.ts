import type { Value } from "../../ir/graph.ts";
import type { Refusal } from "../plan.ts";
import type { End, Link } from "./links.ts";
import type { Structure } from "./structure.ts";
import { type Place, Walk } from "./walk.ts";

/** Indices along one axis of one value. */
export interface Removal {
  readonly value: Value;
  readonly axis: number;
  readonly indices: ReadonlySet<number>;
}

/**
 * Everything that goes when some indices of a value go. The coupled indices are an equivalence class, so
 * it does not matter where the search starts.
 */
export class Closure extends Walk {
  readonly #known: KnownRefusals | undefined;
  readonly #gone = new Map<Value, Map<number, Set<number>>>();

  constructor(structure: Structure, known?: KnownRefusals) {
    super(structure);
    this.#known = known;
  }

  /** Removes indices, and all that goes with them. */
  remove(value: Value, axis: number, indices: readonly number[]): Refusal | undefined {
    this.#add(value, axis, indices);
    return this.walk();
  }

  /** Ascending. */
  gone(value: Value, axis: number): readonly number[] {
    return [...(this.#gone.get(value)?.get(axis) ?? [])].sort((a, b) => a - b);
  }

  *removals(): Iterable<Removal> {
    for (const [value, axes] of this.#gone)
      for (const [axis, indices] of axes) yield { value, axis, indices };
  }

  protected copy({ axis, indices }: Place, to: Value): void {
    this.#add(to, axis, indices);
  }

  protected pass(from: End, link: Link, indices: readonly number[]): void {
    const labels = new Set(indices.map(from.label));
    for (const end of link.ends) this.#add(end.value, end.axis, end.indices(labels));
  }

  protected ofOneUnit({ indices }: Place): readonly number[] {
    return indices;
  }

  protected open({ value, axis, indices }: Place): readonly number[] | Refusal {
    return this.#known?.find(value, axis, indices) ?? indices;
  }

  protected refuse(): boolean {
    return false;
  }

  #add(value: Value, axis: number, indices: readonly number[]): void {
    const axes = this.#gone.get(value) ?? new Map<number, Set<number>>();
    const gone = axes.get(axis) ?? new Set();
    const fresh = indices.filter((i) => !gone.has(i));
    if (fresh.length === 0) return;
    for (const i of fresh) gone.add(i);
    this.#gone.set(value, axes.set(axis, gone));
    this.follow({ value, axis, indices: fresh });
  }
}

/** Indices that are known not to go: what is coupled with them cannot go either. */
export class KnownRefusals {
  readonly #places = new Map<Value, Map<number, Map<number, Refusal>>>();

  find(value: Value, axis: number, indices: readonly number[]): Refusal | undefined {
    const known = this.at(value, axis);
    if (known === undefined) return undefined;
    for (const i of indices) {
      const refusal = known.get(i);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  /** By index. */
  at(value: Value, axis: number): ReadonlyMap<number, Refusal> | undefined {
    return this.#places.get(value)?.get(axis);
  }

  note(closure: Closure, refusal: Refusal): void {
    for (const { value, axis, indices } of closure.removals())
      this.noteAt({ value, axis, indices: [...indices] }, refusal);
  }

  noteAt({ value, axis, indices }: Place, refusal: Refusal): void {
    const axes = this.#places.get(value) ?? new Map<number, Map<number, Refusal>>();
    const known = axes.get(axis) ?? new Map<number, Refusal>();
    for (const i of indices) known.set(i, refusal);
    this.#places.set(value, axes.set(axis, known));
  }
}
