import type { Edit } from "../formats/edits.ts";
import { constantOf, type Node, type Value } from "../ir/graph.ts";
import type { Dim } from "../ir/tensor.ts";
import { InvalidNode } from "../ops/operator.ts";
import type { Closure } from "./coupling/closure.ts";
import { place, type Structure } from "./coupling/structure.ts";
import type { Mask, Refusal } from "./plan.ts";

export type Changes = { readonly edits: readonly Edit[] } | { readonly refusal: Refusal };

/** What to change in the file so that the indices are gone. */
export function changesOf(structure: Structure, closure: Closure): Changes {
  const edits = new Map<string, Edit>();
  const nodes = new Set<Node>();
  for (const { value, axis } of closure.removals()) {
    nodes.add(value.node);
    for (const node of structure.uses.get(value) ?? []) nodes.add(node);
    if (constantOf(value) === undefined) continue;
    const tensor = value.node.name;
    edits.set(`${tensor}\n${axis}`, { tensor, axis, remove: closure.gone(value, axis) });
  }
  const ordered = [...nodes].sort((a, b) => structure.places.get(a)! - structure.places.get(b)!);
  const settings: Edit[] = [];
  const targets = new Set<Value>();
  for (const node of ordered) {
    if (typeof node.operator === "string") continue;
    if (node.operator.type === "Reshape") targets.add(node.inputs[1]!);
    const made = settingsOf(structure, closure, node);
    if ("because" in made) return { refusal: made };
    settings.push(...made);
  }
  const replaced: Edit[] = [];
  for (const target of targets) {
    const made = targetOf(structure, closure, target);
    if (made !== undefined && "because" in made) return { refusal: made };
    if (made !== undefined) replaced.push(made);
  }
  return { edits: [...edits.values(), ...replaced, ...settings] };
}

/** Attributes that count units, with what is left. */
function settingsOf(structure: Structure, closure: Closure, node: Node): readonly Edit[] | Refusal {
  if (typeof node.operator === "string" || node.operator.fitted === undefined) return [];
  try {
    const fitted = node.operator.fitted(node, (end, axis) => {
      const value = "input" in end ? node.inputs[end.input] : node.outputs[end.output];
      return value === undefined ? [] : closure.gone(value, axis);
    });
    return Object.entries(fitted).flatMap(([attribute, value]): Edit[] => {
      const before = node.attrs[attribute];
      if (typeof value !== "number" && !isList(value)) return [];
      if (String(before) === String(value)) return [];
      return [{ node: structure.places.get(node)!, attribute, value }];
    });
  } catch (error) {
    if (!(error instanceof InvalidNode)) throw error;
    return { because: error.message, at: place(node) };
  }
}

const isList = (value: unknown): value is readonly Dim[] =>
  Array.isArray(value) && value.some((v) => typeof v === "number");

/** New lengths for the target of a Reshape, which several may read. */
function targetOf(
  structure: Structure,
  closure: Closure,
  target: Value,
): Edit | Refusal | undefined {
  const before = Array.from(constantOf(target)?.data ?? []);
  const { name } = target.node;
  const same = name === "" ? [target] : (structure.stored.get(name) ?? [target]);
  const readers = same.flatMap((value) => structure.uses.get(value) ?? []);
  const wanted = readers.map((node) =>
    typeof node.operator !== "string" && node.operator.type === "Reshape"
      ? lengthsOf(closure, node, before)
      : before,
  );
  const [after] = wanted;
  const differs = wanted.findIndex((w) => String(w) !== String(after));
  if (differs >= 0)
    return {
      because: `its shape ${name} is shared with another node`,
      at: place(readers[differs]),
    };
  if (after === undefined || String(after) === String(before)) return undefined;
  if (name === "") return { because: "its shape is computed, not stored", at: place(readers[0]) };
  return { tensor: name, replace: after };
}

/** A length that is named is told anew; one that is inferred (−1) or copied (0) follows by itself. */
function lengthsOf(closure: Closure, node: Node, before: readonly number[]): readonly number[] {
  const [x] = node.inputs;
  const [y] = node.outputs;
  return before.map((named, axis) => {
    const lost = closure.gone(y, axis).length;
    if (named > 0) return named - lost;
    const follows = named === -1 || closure.gone(x!, axis).length === lost;
    return follows ? named : Number(y.shape[axis]) - lost;
  });
}

/** Where the units' signals are summed up. */
export function masksOf(structure: Structure, closure: Closure): readonly Mask[] {
  const masks = new Map<Node, Map<string, Mask>>();
  for (const { node, ends } of closure.links) {
    const summed = ends.filter((e) => e.summed);
    const varying = summed.filter((e) => structure.varies(e.value));
    // The state of a recurrent node is inside it: what it is summed up with is masked instead.
    for (const { value, axis, input } of varying.length > 0 ? varying : summed) {
      if (input === undefined) continue;
      const own = masks.get(node) ?? new Map<string, Mask>();
      own.set(`${input}.${axis}`, { node, input, axis, indices: closure.gone(value, axis) });
      masks.set(node, own);
    }
  }
  return [...masks.values()].flatMap((own) => [...own.values()]);
}
