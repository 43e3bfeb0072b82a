import { type CodeAction, CodeActionKind, type Diagnostic } from "vscode-languageserver";
import type { CheckedEdit } from "#core/listing/check.ts";
import { Coupling } from "#core/listing/coupling.ts";
import type { ModelView } from "#protocol/views/model.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import { actionMessages } from "./messages.ts";
import type { OpenListing } from "./open.ts";
import type { PruneData } from "./pruneData.ts";

/** Deletes the lines that must go too: those of the lines asked for, and all. */
export function coupledFixes(
  uri: string,
  { snapshot, edit }: OpenListing,
  inside: (line: number) => boolean,
  diagnostics: readonly Diagnostic[],
  locale: string,
): CodeAction[] {
  const all = edit.problems.filter((p) => p.remove !== undefined);
  const here = all.filter((p) => inside(p.line));
  if (here.length === 0) return [];
  const lines = new Set(here.map((p) => p.line));
  const about = diagnostics.filter(
    (d) => d.code === "coupled-unit" && lines.has(d.range.start.line),
  );
  const texts = actionMessages(locale);
  const fix = (problems: typeof all, title: (count: number) => string): CodeAction => {
    // Those of one group share a list.
    const remove = new Set(problems.map((p) => p.remove));
    const sets = linesOf(
      snapshot.view,
      edit,
      [...remove].flatMap((r) => r ?? []),
    );
    const data: PruneData = { uri, sets };
    return { title: title(countOf(sets)), kind: CodeActionKind.QuickFix, diagnostics: about, data };
  };
  const own = { ...fix(here, texts.deleteCoupled), isPreferred: true };
  const whole = fix(all, texts.deleteAllCoupled);
  return countOf(setsOf(whole)) > countOf(setsOf(own)) ? [own, whole] : [own];
}

/**
 * Some units with all that goes along, as far as their lines are there; undefined where that would leave a
 * layer without any.
 */
export function wholeGroups(
  view: ModelView,
  edit: CheckedEdit,
  sets: readonly LayerUnits[],
): readonly LayerUnits[] | undefined {
  const found = linesOf(view, edit, sets);
  const listed = new Map(edit.parsed.layers.map((l) => [l.name, l.units.length]));
  return found.some(({ layer, units }) => units.length >= (listed.get(layer) ?? 0))
    ? undefined
    : found;
}

function linesOf(
  view: ModelView,
  { parsed }: CheckedEdit,
  sets: readonly LayerUnits[],
): readonly LayerUnits[] {
  const layers = new Map(parsed.layers.map((l) => [l.name, l]));
  return Coupling.of(view)
    .whole(sets)
    .flatMap(({ layer, units }) => {
      const there = new Set(layers.get(layer)?.units.map((u) => u.unit));
      const own = units.filter((u) => there.has(u));
      return own.length === 0 ? [] : [{ layer, units: own }];
    });
}

export const countOf = (sets: readonly LayerUnits[]): number =>
  sets.reduce((n, { units }) => n + units.length, 0);

const setsOf = ({ data }: CodeAction): readonly LayerUnits[] => (data as PruneData).sets;
