import { typeOf } from "../../explain/layers.ts";
import type { Value } from "../../ir/graph.ts";
import type { End, Link } from "./links.ts";
import type { Structure } from "./structure.ts";

/** Axes that are looked at from one: heads are counted within a few nodes of where they are split off. */
const MOST = 64;

/**
 * Whether the far end of a link counts pages of a matrix product of two computed values, as the heads of
 * an attention do: forward from an output, backward from an input.
 */
export function isOfHeads(structure: Structure, { ends }: Link, from: End): boolean {
  const far = ends.find((e) => (e.input === undefined) !== (from.input === undefined));
  if (far === undefined || far.length <= 1) return false;
  const open: Place[] = [far];
  const seen = new Map<Value, Set<number>>();
  for (let count = 0, at = open.pop(); at !== undefined && count < MOST; count++, at = open.pop()) {
    const known = seen.get(at.value) ?? new Set();
    if (known.has(at.axis)) continue;
    seen.set(at.value, known.add(at.axis));
    if (far.input === undefined ? forward(structure, at, open) : backward(structure, at, open))
      return true;
  }
  return false;
}

type Place = Pick<End, "value" | "axis">;

function forward(structure: Structure, { value, axis }: Place, open: Place[]): boolean {
  for (const node of structure.uses.get(value) ?? [])
    for (const [input, read] of node.inputs.entries()) {
      if (read !== value) continue;
      if (isPaged(structure, value, axis, node)) return true;
      for (const { ends } of structure.links(node)?.of(value, axis, input) ?? []) {
        const own = ends.find((e) => e.is(value, axis, input));
        if (own?.summed !== true) open.push(...ends.filter((e) => e.input === undefined));
      }
    }
  return false;
}

function backward(structure: Structure, { value, axis }: Place, open: Place[]): boolean {
  const { node } = value;
  if (isPaged(structure, value, axis, node)) return true;
  for (const { ends } of structure.links(node)?.of(value, axis, undefined) ?? [])
    open.push(...ends.filter((e) => e.input !== undefined && structure.varies(e.value)));
  return false;
}

const isPaged = (structure: Structure, { shape }: Value, axis: number, node: Value["node"]) =>
  typeOf(node) === "MatMul" &&
  shape.length - axis > 2 &&
  node.inputs.every((v) => v !== undefined && structure.varies(v));
