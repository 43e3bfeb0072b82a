import { topological } from "../ir/graph.ts";
import { fail } from "../problem.ts";
import { type Edit, isSetting } from "./edits.ts";
import type { Model } from "./model.ts";

/**
 * Formats that keep no counts of units beside their weights: attributes of the edited model follow from
 * the new shapes. Throws ProblemError where one does not.
 */
export function checkSettings({ graph }: Model, edits: readonly Edit[], file: string): void {
  const settings = edits.filter(isSetting);
  if (settings.length === 0) return;
  const nodes = topological(graph.outputs);
  for (const { node: place, attribute, value } of settings) {
    const node = nodes.at(place);
    const now = node?.attrs[attribute] ?? DEFAULTS.get(attribute);
    if (node !== undefined && String(now) === String(value)) continue;
    fail(
      "cannot-write",
      `${attribute} would have to become ${value}, which cannot be changed in this format`,
      file,
      `node ${node?.name ?? place}`,
    );
  }
}

/** What an attribute is that is left out. */
const DEFAULTS: ReadonlyMap<string, number> = new Map([["group", 1]]);
