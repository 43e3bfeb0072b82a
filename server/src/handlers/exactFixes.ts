import { type CodeAction, CodeActionKind } from "vscode-languageserver";
import { Coupling } from "#core/listing/coupling.ts";
import type { Finding } from "#protocol/views/finding.ts";
import { actionMessages } from "./messages.ts";
import type { OpenListing } from "./open.ts";
import type { PruneData } from "./pruneData.ts";

/** Fixes everything that can go without a change of the model's outputs; editors can do it on save. */
export const FIX_ALL = `${CodeActionKind.SourceFixAll}.kaibo`;

/** "Merge with unit 3 (exact)", "Remove (exact)"; undefined where the unit is not exactly redundant. */
export function exactTitle(
  findings: readonly Finding[],
  layer: string,
  unit: number,
  locale: string,
): string | undefined {
  const found = findings.find((f) => f.exact && f.layer === layer && f.unit === unit);
  const texts = actionMessages(locale);
  if (found === undefined) return undefined;
  return found.of === undefined ? texts.removeExact() : texts.mergeExact(found.of);
}

/** One action for all exactly redundant units whose lines are there. */
export function fixAll(uri: string, { snapshot, edit }: OpenListing, locale: string): CodeAction[] {
  const exact = snapshot.findings.filter((f) => f.exact);
  const sets = edit.parsed.layers.flatMap(({ name, units: lines }) => {
    const there = new Set(lines.map((u) => u.unit));
    const units = exact.filter((f) => f.layer === name && there.has(f.unit)).map((f) => f.unit);
    return units.length === 0 ? [] : [{ layer: name, units }];
  });
  const count = sets.reduce((n, { units }) => n + units.length, 0);
  if (count === 0) return [];
  const data: PruneData = { uri, sets: Coupling.of(snapshot.view).whole(sets) };
  return [{ title: actionMessages(locale).fixAllExact(count), kind: FIX_ALL, data }];
}
