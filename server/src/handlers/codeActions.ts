import {
  type CodeAction,
  type CodeActionContext,
  CodeActionKind,
  type Diagnostic,
  type Range,
  type TextEdit,
} from "vscode-languageserver";
import { Coupling } from "#core/listing/coupling.ts";
import type { ParsedLayer, ParsedUnit } from "#core/listing/parse.ts";
import { lowUnits } from "#core/report/lowUnits.ts";
import { commands } from "#protocol/requests.ts";
import { linesRange } from "../lsp/convert.ts";
import type { Context } from "./context.ts";
import { countOf, coupledFixes, wholeGroups } from "./coupledFixes.ts";
import { exactTitle, FIX_ALL, fixAll } from "./exactFixes.ts";
import { inputFixes } from "./inputFixes.ts";
import { actionMessages } from "./messages.ts";
import { type OpenListing, openListing } from "./open.ts";
import { openAnywayFix } from "./openAnyway.ts";
import type { PruneData } from "./pruneData.ts";
import { guardActions } from "./pruneWithinGuard.ts";

/** Prunes are edits of the listing: they delete unit lines, and saving prunes the model. */
export async function codeActions(
  context: Context,
  uri: string,
  { start, end }: Range,
  { diagnostics, only }: Pick<CodeActionContext, "diagnostics" | "only">,
): Promise<CodeAction[]> {
  const listing = await openListing(context, uri);
  if (listing === undefined) return [];
  const inside = (line: number) => line >= start.line && line <= end.line;
  const prunes = listing.edit.parsed.layers.flatMap((layer) => {
    const units = layer.units.filter((u) => inside(u.line));
    if (units.length === 0 && !inside(layer.line)) return [];
    return prunable(listing, layer)
      ? ofLayer(context, uri, listing, layer, units, diagnostics)
      : [];
  });
  // What is wrong with model and data is said in the line that names the model.
  const fixes = inside(listing.edit.parsed.model?.line ?? 0)
    ? [
        ...openAnywayFix(context, listing, diagnostics),
        ...(await inputFixes(context, listing, diagnostics)),
        ...(await restoreOriginal(context, listing)),
        ...(await guardActions(context, uri, listing)),
      ]
    : [];
  const headed = listing.edit.parsed.layers.find((l) => inside(l.line) && prunable(listing, l));
  const guarded = headed ? await guardActions(context, uri, listing, headed.name) : [];
  // Of all units of the model, wherever the cursor is: only for whoever asks for that.
  const source = only?.some((o) => includes(o, FIX_ALL))
    ? fixAll(uri, listing, context.locale)
    : [];
  const all = [
    ...fixes,
    ...coupledFixes(uri, listing, inside, diagnostics, context.locale),
    ...restores(context, uri, listing, inside, diagnostics),
    ...prunes,
    ...guarded,
    ...source,
  ];
  return only === undefined ? all : all.filter(({ kind }) => only.some((o) => includes(o, kind)));
}

async function restoreOriginal(
  { prunes, locale }: Context,
  { model }: OpenListing,
): Promise<readonly CodeAction[]> {
  const since = await prunes.prunedSince(model);
  if (since === undefined) return [];
  const title = actionMessages(locale).restoreOriginal(since);
  const command = { title, command: commands.restoreOriginal, arguments: [model] };
  return [{ title, kind: CodeActionKind.RefactorRewrite, command }];
}

/** "refactor" asks for "refactor.rewrite" too; "" for everything. */
const includes = (asked: string, kind = ""): boolean =>
  asked === "" || kind === asked || kind.startsWith(`${asked}.`);

function prunable({ snapshot }: OpenListing, { name }: ParsedLayer): boolean {
  const view = snapshot.view.layers.find((l) => l.name === name);
  return view !== undefined && !view.output && view.fixed === undefined;
}

function ofLayer(
  { locale }: Context,
  uri: string,
  { snapshot, edit }: OpenListing,
  layer: ParsedLayer,
  selected: readonly ParsedUnit[],
  diagnostics: readonly Diagnostic[],
): CodeAction[] {
  const texts = actionMessages(locale);
  const { view, importance, findings, lowImportance } = snapshot;
  const found = new Set(lowUnits(view, importance, findings, layer.name, lowImportance));
  const low = layer.units.map((u) => u.unit).filter((u) => found.has(u));
  const action = (title: string, units: readonly number[]): CodeAction[] => {
    if (units.length === 0) return [];
    const sets = wholeGroups(view, edit, [{ layer: layer.name, units }]);
    if (sets === undefined) return [];
    const lines = new Set([layer, ...selected].map(({ line }) => line));
    const about = diagnostics.filter((d) => lines.has(d.range.start.line));
    const quick = about.length > 0 || units === low;
    const data: PruneData = { uri, sets };
    const along = countOf(sets) - units.length;
    return [
      {
        title: along === 0 ? title : texts.along(title, along),
        kind: quick ? CodeActionKind.QuickFix : CodeActionKind.RefactorRewrite,
        diagnostics: about,
        data,
      },
    ];
  };
  const coupling = Coupling.of(view);
  const numbers = selected
    .map((u) => u.unit)
    .filter((u) => coupling.stuck(layer.name, u) === undefined);
  const [only] = numbers;
  return [
    ...(numbers.length === 1
      ? action(
          exactTitle(snapshot.findings, layer.name, only!, locale) ??
            texts.pruneUnit(only!, layer.name),
          numbers,
        )
      : []),
    ...(numbers.length > 1 ? action(texts.pruneUnits(numbers.length, layer.name), numbers) : []),
    ...(low.length > 0 && !(low.length === 1 && numbers.length === 1 && low[0] === only)
      ? action(texts.pruneLow(low.length, layer.name), low)
      : []),
  ];
}

/** Numbers are a view: a line that was changed can be put back. */
function restores(
  { locale }: Context,
  uri: string,
  { edit }: OpenListing,
  inside: (line: number) => boolean,
  diagnostics: readonly Diagnostic[],
): CodeAction[] {
  return edit.problems.flatMap(({ line, restore }): CodeAction[] => {
    if (restore === undefined || !inside(line)) return [];
    const length = edit.parsed.lines[line]!.length;
    const range = { start: { line, character: 0 }, end: { line, character: length } };
    return [
      {
        title: actionMessages(locale).restore,
        kind: CodeActionKind.QuickFix,
        isPreferred: true,
        diagnostics: diagnostics.filter((d) => d.range.start.line === line),
        edit: { changes: { [uri]: [{ range, newText: restore }] } },
      },
    ];
  });
}

/** Adds the edit, from the text as it is now. */
export async function resolveCodeAction(context: Context, action: CodeAction): Promise<CodeAction> {
  const data = action.data as PruneData | undefined;
  if (data === undefined) return action;
  const listing = await openListing(context, data.uri);
  const wanted = new Map(data.sets.map((s) => [s.layer, new Set(s.units)]));
  const edits = (listing?.edit.parsed.layers ?? [])
    .flatMap((l) => l.units.filter((u) => wanted.get(l.name)?.has(u.unit)))
    .map((u): TextEdit => ({ range: linesRange(u.line), newText: "" }));
  return { ...action, edit: { changes: { [data.uri]: edits } } };
}
