import type { Node, Value } from "../../ir/graph.ts";
import type { Structure } from "../coupling/structure.ts";

/** Where the indices of an output's axis come from. */
export interface Moved {
  readonly axis: number;
  /** For each index of the output: which input of the node, and which index of it. */
  readonly input: Int32Array;
  readonly index: Int32Array;
  /** Equal indices of the input are the same in the output at equal places only. */
  readonly place: Int32Array;
}

/**
 * How a node hands the indices of its inputs' axes on, by its channel rule; undefined where it does not,
 * or where the indices of an input have no counterpart of their own.
 * @param axes the axis that is followed of each input
 */
export function movedBy(
  structure: Structure,
  node: Node,
  output: Value,
  axes: readonly (number | undefined)[],
): Moved | undefined {
  const links = structure.links(node);
  let axis: number | undefined;
  const inputs = new Map<number, { input: number; index: number }>();
  let label: ((index: number) => number) | undefined;
  for (const [input, value] of node.inputs.entries()) {
    const own = axes[input];
    if (value === undefined || own === undefined) continue;
    const [link, ...others] = links?.of(value, own, input) ?? [];
    const out = link?.ends.find((e) => e.input === undefined && e.value === output);
    const from = link?.ends.find((e) => e.is(value, own, input));
    if (others.length > 0 || out === undefined || from === undefined) return undefined;
    if (axis !== undefined && axis !== out.axis) return undefined;
    axis = out.axis;
    label = out.label;
    for (let i = 0; i < Number(value.shape[own]); i++) {
      const before = inputs.get(from.label(i));
      // A carry names all of its inputs with one label: the first stands for them.
      if (before !== undefined && before.input === input) return undefined;
      if (before === undefined) inputs.set(from.label(i), { input, index: i });
    }
  }
  if (axis === undefined || label === undefined) return undefined;
  const length = Number(output.shape[axis]);
  if (!Number.isInteger(length)) return undefined;
  const moved: Moved = {
    axis,
    input: new Int32Array(length),
    index: new Int32Array(length),
    place: new Int32Array(length),
  };
  const seen = new Map<number, number>();
  for (let p = 0; p < length; p++) {
    const own = label(p);
    const from = inputs.get(own);
    if (from === undefined) return undefined;
    const place = seen.get(own) ?? 0;
    seen.set(own, place + 1);
    moved.input[p] = from.input;
    moved.index[p] = from.index;
    moved.place[p] = place;
  }
  return moved;
}
