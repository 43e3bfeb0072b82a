import type { ListingDocument } from "#core/listing/document.ts";
import { fail } from "#core/problem.ts";
import type { CostAnswer, CostParams } from "#protocol/requests.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import type { Context } from "./context.ts";
import { costMessages } from "./costMessages.ts";
import { openListing } from "./open.ts";

/** What saving an edited listing would cost, measured now. Rejects with ProblemError. */
export async function cost(context: Context, { uri }: CostParams): Promise<CostAnswer> {
  const listing = await openListing(context, uri);
  if (listing === undefined) throw new Error(`no listing is open at ${uri}`);
  const { snapshot, edit } = listing;
  const [wrong] = edit.problems;
  const { name } = snapshot.view;
  if (wrong !== undefined)
    return fail("cannot-prune", wrong.message, name, `line ${wrong.line + 1}`);
  const texts = costMessages(context.locale);
  if (edit.removed.length === 0) return fail("bad-request", texts.nothing, name);
  const found = await context.prunes.cost(snapshot, edit.removed);
  const { rounded } = found;
  return {
    cost: found,
    message: texts.title(found),
    detail: texts.facts(found).join("\n"),
    ...(rounded === undefined
      ? {}
      : {
          rounded: {
            action: texts.round(rounded.multiple),
            text: without(snapshot.document, rounded.removed),
          },
        }),
  };
}

/** The text without the lines of some units. */
function without({ text, lines }: ListingDocument, sets: readonly LayerUnits[]): string {
  const gone = new Map(sets.map(({ layer, units }) => [layer, new Set(units)]));
  const isGone = (i: number) => {
    const { layer, unit } = lines[i] ?? {};
    return layer !== undefined && unit !== undefined && gone.get(layer)?.has(unit) === true;
  };
  return text
    .split("\n")
    .filter((_, i) => !isGone(i))
    .join("\n");
}
