import type { Value } from "../ir/graph.ts";
import type { End } from "./model.ts";

/** Collects where a graph ends while it is built. */
export class Ends {
  readonly #values = new Map<string, Set<Value>>();

  /** @param at the place that the problem names */
  add(at: string, value: Value): void {
    const own = this.#values.get(at) ?? new Set();
    this.#values.set(at, own.add(value));
  }

  all(): readonly End[] {
    return [...this.#values].map(([at, values]) => ({ at, values: [...values] }));
  }
}
