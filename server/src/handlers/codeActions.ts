import {
  type CodeAction,
  type CodeActionContext,
  CodeActionKind,
  type Diagnostic,
  type Range,
  type TextEdit,
} from "vscode-languageserver";
import type { ParsedLayer, ParsedUnit } from "#core/listing/parse.ts";
import { linesRange } from "../lsp/convert.ts";
import type { Context } from "./context.ts";
import { inputFixes } from "./inputFixes.ts";
import { actionMessages } from "./messages.ts";
import { type OpenListing, openListing } from "./open.ts";

/** What a resolved action deletes: the lines of some units. */
interface PruneData {
  readonly uri: string;
  readonly layer: string;
  readonly units: readonly number[];
}

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
    ? await inputFixes(context, listing, diagnostics)
    : [];
  const all = [...fixes, ...restores(context, uri, listing, inside, diagnostics), ...prunes];
  return only === undefined ? all : all.filter(({ kind }) => only.some((o) => includes(o, kind)));
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
  { snapshot }: OpenListing,
  layer: ParsedLayer,
  selected: readonly ParsedUnit[],
  diagnostics: readonly Diagnostic[],
): CodeAction[] {
  const texts = actionMessages(locale);
  const found = new Set(snapshot.findings.filter((f) => f.layer === layer.name).map((f) => f.unit));
  const low = layer.units.map((u) => u.unit).filter((u) => found.has(u));
  const action = (title: string, units: readonly number[]): CodeAction[] => {
    if (units.length === 0 || units.length >= layer.units.length) return [];
    const lines = new Set([layer, ...selected].map(({ line }) => line));
    const about = diagnostics.filter((d) => lines.has(d.range.start.line));
    const quick = about.length > 0 || units === low;
    const data: PruneData = { uri, layer: layer.name, units };
    return [
      {
        title,
        kind: quick ? CodeActionKind.QuickFix : CodeActionKind.RefactorRewrite,
        diagnostics: about,
        data,
      },
    ];
  };
  const numbers = selected.map((u) => u.unit);
  const [only] = numbers;
  return [
    ...(numbers.length === 1 ? action(texts.pruneUnit(only!, layer.name), numbers) : []),
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
  const wanted = new Set(data.units);
  const edits = (listing?.edit.parsed.layers ?? [])
    .filter((l) => l.name === data.layer)
    .flatMap((l) => l.units.filter((u) => wanted.has(u.unit)))
    .map((u): TextEdit => ({ range: linesRange(u.line), newText: "" }));
  return { ...action, edit: { changes: { [data.uri]: edits } } };
}
