import { loadTensor } from "../../formats/weights.ts";
import { constantOf } from "../../ir/graph.ts";
import { isFloat, size, type Tensor } from "../../ir/tensor.ts";
import { fail } from "../../problem.ts";
import type { Structure } from "../coupling/structure.ts";
import { scaleOf } from "./folded.ts";
import { holdsSame, type Order, ordersOf } from "./layout.ts";
import { moduleTensors, type StoredAs } from "./names.ts";

/** A tensor of the twin and the stored one of the model that it stands for. */
export interface Match {
  readonly twin: string;
  readonly stored: string;
  readonly order: Order;
}

export interface Matches {
  readonly matched: readonly Match[];
  /** Tensors of the twin that stand for none. */
  readonly left: readonly string[];
}

/** What wrappers put before every name of a state_dict. */
const PREFIXES = ["", "module.", "model.", "_orig_mod."];

/**
 * Which tensor of the twin is which stored tensor of the model: by its name, by the name of the layer's
 * module, and those that remain by their numbers. Throws ProblemError where a name fits and a shape does not.
 * @param file the twin's, for problems
 */
export async function matchTwin(
  structure: Structure,
  twin: ReadonlyMap<string, Tensor>,
  file: string,
): Promise<Matches> {
  const names = moduleTensors(structure.graph);
  const prefix = prefixOf(names, twin);
  const named: Match[] = [];
  /** Modules whose weights are those of the layer, by their numbers. */
  const sure = new Set<string>();
  for (const [name, as] of names) {
    const own = twin.get(prefix + name);
    const stored = tensorOf(structure, as.tensor);
    if (own === undefined || !isFloat(stored.dtype)) continue;
    const order = await orderOf(stored, own, as, prefix + name, file);
    const module = name.replace(/\.[^.]*$/, "");
    if (as.byLayer && !sure.has(module) && !(await isThat(stored, own, order, as))) {
      const why = `its numbers are not those of the model's ${as.tensor}, and it is known by its layer's name alone; name the weights that the model was exported from`;
      return fail("cannot-prune", why, file, `tensor ${prefix + name}`);
    }
    if (as.byLayer) sure.add(module);
    named.push({ twin: prefix + name, stored: as.tensor, order });
  }
  const matched = [...named, ...(await bySameNumbers(structure, twin, named))];
  const known = new Set(matched.map((m) => m.twin));
  return { matched, left: [...twin.keys()].filter((name) => !known.has(name)) };
}

/** The same numbers, or those that a normalisation was folded into. */
async function isThat(
  stored: Tensor,
  own: Tensor,
  order: Order,
  { unitAxis }: StoredAs,
): Promise<boolean> {
  await loadTensor(stored);
  await loadTensor(own);
  if (holdsSame(stored, own, order)) return true;
  const straight = order.every((axis, i) => axis === i);
  return straight && stored.shape.length > 1 && scaleOf(stored, own, unitAxis) !== undefined;
}

export function tensorOf(structure: Structure, stored: string): Tensor {
  const [value] = structure.stored.get(stored)!;
  return constantOf(value)!;
}

function prefixOf(names: ReadonlyMap<string, StoredAs>, twin: ReadonlyMap<string, Tensor>): string {
  const counts = PREFIXES.map((p) => [...names.keys()].filter((n) => twin.has(p + n)).length);
  return PREFIXES[counts.indexOf(Math.max(...counts))];
}

/** The order of axes: the usual one, unless the shape or, where several fit, the numbers speak for another. */
async function orderOf(
  stored: Tensor,
  own: Tensor,
  as: StoredAs,
  name: string,
  file: string,
): Promise<Order> {
  const orders = ordersOf(stored.shape, own.shape);
  const usual = orders.find((o) => String(o) === String(as.order));
  if (usual !== undefined && orders.length === 1) return usual;
  if (orders.length > 0) {
    await loadTensor(stored);
    await loadTensor(own);
    const found = [...(usual ? [usual] : []), ...orders].find((o) => holdsSame(stored, own, o));
    if (found !== undefined) return found;
    if (usual !== undefined) return usual;
  }
  return fail(
    "cannot-prune",
    `it is [${own.shape.join(", ")}], but the model's ${as.tensor} is [${stored.shape.join(", ")}]; name the weights of this model`,
    file,
    `tensor ${name}`,
  );
}

/** Exporters rename tensors; what has the same numbers is the same, unless they say nothing (all 0, say). */
async function bySameNumbers(
  structure: Structure,
  twin: ReadonlyMap<string, Tensor>,
  named: readonly Match[],
): Promise<readonly Match[]> {
  const known = new Set(named.map((m) => m.twin));
  const taken = new Set(named.map((m) => m.stored));
  const free = [...twin].filter(
    ([name, t]) => !known.has(name) && isFloat(t.dtype) && size(t.shape) > 1,
  );
  const found: Match[] = [];
  for (const stored of structure.stored.keys()) {
    const tensor = tensorOf(structure, stored);
    if (taken.has(stored) || !isFloat(tensor.dtype) || size(tensor.shape) <= 1) continue;
    for (const [name, own] of free) {
      const orders = ordersOf(tensor.shape, own.shape);
      if (orders.length === 0) continue;
      await loadTensor(tensor);
      await loadTensor(own);
      const [first] = own.data;
      if (own.data.every((v) => v === first)) continue;
      const order = orders.find((o) => holdsSame(tensor, own, o));
      if (order !== undefined) found.push({ twin: name, stored, order });
    }
  }
  // What could be several is none of them for sure.
  return found.filter((m) => found.filter((o) => o.twin === m.twin).length === 1);
}
