import type { ModelView } from "#protocol/views/model.ts";
import { changes } from "./changes.ts";
import { checkRemovals, isIn, layerAbove, removedUnits } from "./diff.ts";
import type { ListingDocument, Removal } from "./document.ts";
import { type ParsedListing, parseListing } from "./parse.ts";
import type { ListingProblem } from "./problem.ts";

export interface CheckedEdit {
  readonly parsed: ParsedListing;
  /** What a save prunes; only without problems. */
  readonly removed: readonly Removal[];
  /** In line order. */
  readonly problems: readonly ListingProblem[];
}

/** An edited listing against the model and the text that the server wrote for it. */
export const checkEdit = (
  model: ModelView,
  original: ListingDocument,
  text: string,
  locale?: string,
): CheckedEdit => checkEditOfAny(model, [original], text, locale);

/** The same where the edit may have begun from any of several texts: the one that it differs least from. */
export function checkEditOfAny(
  model: ModelView,
  originals: Iterable<ListingDocument>,
  text: string,
  locale?: string,
): CheckedEdit {
  const parsed = parseListing(text, locale);
  const removals = checkRemovals(model, parsed, locale);
  let best: readonly ListingProblem[] | undefined;
  for (const original of originals) {
    const found = textProblems(original, parsed, locale);
    if (best === undefined || found.length < best.length) best = found;
    if (best.length === 0) break;
  }
  const problems = [...(best ?? []), ...removals];
  return {
    parsed,
    removed: removedUnits(model, parsed),
    problems: inOrder(
      problems.filter((problem) => !isConsequence(problem, removals, model, parsed)),
    ),
  };
}

/** What is wrong with the text alone, and which facts differ from those the server wrote. */
export function checkAgainst(
  original: ListingDocument,
  text: string,
  locale?: string,
): readonly ListingProblem[] {
  const parsed = parseListing(text, locale);
  return inOrder(textProblems(original, parsed, locale));
}

/** A line that cannot be read is not also said to be changed. */
function textProblems(
  original: ListingDocument,
  parsed: ParsedListing,
  locale: string | undefined,
): readonly ListingProblem[] {
  const unread = new Set(parsed.problems.map(({ line }) => line));
  const changed = changes(original, parsed, locale).filter(
    ({ line, restore }) => restore === undefined || !unread.has(line),
  );
  return [...parsed.problems, ...changed];
}

/** Units whose heading is gone seem to be doubles of those above: one problem says it, not one a line. */
function isConsequence(
  { code, line }: ListingProblem,
  removals: readonly ListingProblem[],
  model: ModelView,
  parsed: ParsedListing,
): boolean {
  if (!removals.some((removal) => removal.code === "missing-heading")) return false;
  if (code !== "duplicate-unit" && code !== "unknown-unit" && code !== "stray-unit") return false;
  const listed = new Set(parsed.layers.map(({ name }) => name));
  const missing = model.layers.filter(({ name }) => !listed.has(name));
  return missing.some((layer) => {
    const above = layerAbove(layer, model, parsed);
    return above === undefined ? code === "stray-unit" : isIn(above, line);
  });
}

function inOrder(problems: readonly ListingProblem[]): readonly ListingProblem[] {
  return problems.toSorted((a, b) => a.line - b.line || a.from - b.from);
}
