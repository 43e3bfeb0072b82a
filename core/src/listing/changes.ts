import type { ListingDocument } from "./document.ts";
import { type ListingMessages, listingMessages } from "./messages.ts";
import { isColumn } from "./names.ts";
import { type ParsedLine, type ParsedListing, parseListing } from "./parse.ts";
import type { ListingProblem } from "./problem.ts";
import { tokens } from "./tokens.ts";

/** Facts that differ from those the server wrote: numbers and headings are a view of the model. */
export function changes(
  original: ListingDocument,
  now: ParsedListing,
  locale?: string,
): readonly ListingProblem[] {
  const before = parsedOriginal(original);
  const texts = listingMessages(locale);
  return [...headingChanges(before, now, texts), ...layerChanges(before, now, texts)];
}

const cache = new WeakMap<ListingDocument, ParsedListing>();

function parsedOriginal(original: ListingDocument): ParsedListing {
  const known = cache.get(original) ?? parseListing(original.text);
  cache.set(original, known);
  return known;
}

function headingChanges(
  before: ParsedListing,
  now: ParsedListing,
  texts: ListingMessages,
): ListingProblem[] {
  const old = headings(before);
  const current = headings(now);
  const added = [...current]
    .filter(([key]) => !old.has(key))
    .map(([, line]) => at(line, texts.addedHeading()));
  const rest = [...old].flatMap(([key, was]) => {
    const is = current.get(key);
    if (is !== undefined) return headingChange(before, was, now, is, texts);
    const line = Math.min(was.line, now.lines.length - 1);
    const message = texts.missingLine(before.lines[was.line].slice(was.from, was.to));
    return [at({ line, from: 0, to: now.lines[line].length }, message)];
  });
  return [...added, ...rest];
}

function headings({
  model,
  data,
  inputs,
  modules,
}: ParsedListing): ReadonlyMap<string, ParsedLine> {
  const found = new Map<string, ParsedLine>(inputs.map((input) => [`input ${input.name}`, input]));
  for (const module of modules) {
    // A module whose layers stand apart has a heading for each stretch.
    let key = `module ${module.name}`;
    while (found.has(key)) key += " again";
    found.set(key, module);
  }
  if (model !== undefined) found.set("model", model);
  if (data !== undefined) found.set("data", data);
  return found;
}

/** Units and headings of the layers that are in both. */
function layerChanges(
  before: ParsedListing,
  now: ParsedListing,
  texts: ListingMessages,
): ListingProblem[] {
  const old = new Map(before.layers.map((layer) => [layer.name, layer]));
  return now.layers.flatMap((layer) => {
    const was = old.get(layer.name);
    if (was === undefined) return [];
    const units = new Map(was.units.map((unit) => [unit.unit, unit]));
    const found = headingChange(before, was, now, layer, texts);
    for (const unit of layer.units) {
      const same = units.get(unit.unit);
      if (same !== undefined) found.push(...unitChange(before, same, now, unit, texts));
    }
    return found;
  });
}

function headingChange(
  before: ParsedListing,
  was: ParsedLine,
  now: ParsedListing,
  is: ParsedLine,
  texts: ListingMessages,
): ListingProblem[] {
  const changed = difference(before.lines[was.line], now.lines[is.line]);
  if (changed === undefined) return [];
  const restore = before.lines[was.line];
  const message = texts.changedHeading(restore.slice(was.from, was.to));
  return [{ ...at({ line: is.line, ...changed }, message), restore }];
}

function unitChange(
  before: ParsedListing,
  was: ParsedLine,
  now: ParsedListing,
  is: ParsedLine,
  texts: ListingMessages,
): ListingProblem[] {
  const restore = before.lines[was.line];
  const changed = difference(restore, now.lines[is.line]);
  // A line typed back without its numbers is as good as the one deleted.
  if (changed === undefined || tokens(now.lines[is.line], 3).length === 2) return [];
  const words = tokens(restore);
  const column = words.slice(2, changed.word + 1).findLast(({ text }) => isColumn(text));
  const message = texts.changedUnit(column?.text ?? "unit", words[changed.word]?.text ?? "");
  return [{ ...at({ line: is.line, from: changed.from, to: changed.to }, message), restore }];
}

/** From the first differing word to the last, as columns of the new line, and which word is the first. */
function difference(
  before: string,
  now: string,
): { word: number; from: number; to: number } | undefined {
  if (before === now) return undefined;
  const was = tokens(before);
  const is = tokens(now);
  const length = Math.max(was.length, is.length);
  const differing = Array.from({ length }, (_, i) => i).filter((i) => was[i]?.text !== is[i]?.text);
  if (differing.length === 0) return undefined;
  const word = differing[0];
  const end = (is[differing.at(-1)!] ?? is.at(-1)!).to;
  return word < is.length
    ? { word, from: is[word].from, to: end }
    : { word, from: is[0].from, to: end };
}

function at({ line, from, to }: ParsedLine, message: string): ListingProblem {
  return { line, from, to, code: "changed-text", message };
}
