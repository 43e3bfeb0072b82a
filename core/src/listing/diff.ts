import type { LayerView, ModelView } from "#protocol/views/model.ts";
import { coupledProblems, keeper } from "./coupled.ts";
import type { Removal } from "./document.ts";
import { type ListingMessages, listingMessages } from "./messages.ts";
import type { ParsedLayer, ParsedListing } from "./parse.ts";
import type { ListingProblem } from "./problem.ts";

/**
 * The units of the model whose lines are gone, in model order, whether or not they may go:
 * apply them only when nothing is wrong with the listing (`checkEdit`).
 */
export function removedUnits(model: ModelView, parsed: ParsedListing): readonly Removal[] {
  const listed = new Map<string, Set<number>>();
  for (const { name: layer, units } of parsed.layers) {
    const there = listed.get(layer) ?? new Set();
    for (const { unit } of units) there.add(unit);
    listed.set(layer, there);
  }
  return model.layers.flatMap(({ name: layer, units: size }) => {
    const there = listed.get(layer);
    const units: number[] = [];
    for (let unit = 0; unit < size; unit++) if (!there?.has(unit)) units.push(unit);
    return units.length === 0 ? [] : [{ layer, units }];
  });
}

/** Removals that are refused, and layers and units that the model does not have. */
export function checkRemovals(
  model: ModelView,
  parsed: ParsedListing,
  locale?: string,
): readonly ListingProblem[] {
  const texts = listingMessages(locale);
  const byName = new Map(model.layers.map((layer) => [layer.name, layer]));
  const listed = new Map(parsed.layers.map((layer) => [layer.name, layer]));
  const removed = removedUnits(model, parsed);
  const refused = removed.flatMap((removal) => {
    const there = listed.get(removal.layer);
    const layer = byName.get(removal.layer)!;
    if (there === undefined)
      return isRenamed(layer, model, parsed) ? [] : [missingHeading(layer, model, parsed, texts)];
    const because = refusal(layer, removal, texts);
    if (because === undefined) return [];
    const problem = { line: there.line, from: there.nameFrom, to: there.nameTo, ...because };
    const { fixed, fixedAt } = layer;
    if (because.code !== "coupled-unit" || fixedAt === undefined) return [problem];
    return [{ ...problem, related: keeper(fixedAt, layer.name, fixed ?? "", listed) }];
  });
  return [
    ...refused,
    ...coupledProblems(model, parsed, removed, texts),
    ...parsed.layers.flatMap((layer) => unknown(layer, byName.get(layer.name), texts)),
  ];
}

function refusal(
  layer: LayerView,
  { units }: Removal,
  texts: ListingMessages,
): Pick<ListingProblem, "code" | "message"> | undefined {
  const shown = units.slice(0, 8);
  const list = texts.unitList(shown, units.length - shown.length);
  if (layer.output) return { code: "output-layer", message: texts.outputLayer(layer.name, list) };
  if (layer.fixed !== undefined) {
    const code = layer.fixedAt === undefined ? "fixed-layer" : "coupled-unit";
    return { code, message: texts.fixedLayer(layer.name, layer.fixed, list) };
  }
  if (units.length === layer.units)
    return { code: "emptied-layer", message: texts.emptiedLayer(layer.name, layer.units) };
  return undefined;
}

/** Said where the heading stood: at the first line that its units left behind, else at the layer above. */
function missingHeading(
  layer: LayerView,
  model: ModelView,
  parsed: ParsedListing,
  texts: ListingMessages,
): ListingProblem {
  const above = layerAbove(layer, model, parsed);
  const astray = parsed.problems.find(({ code, line }) =>
    above === undefined ? code === "stray-unit" : code === "duplicate-unit" && isIn(above, line),
  );
  const place = astray ?? above ?? { line: 0, from: 0, to: parsed.lines[0].length };
  return {
    line: place.line,
    from: place.from,
    to: place.to,
    code: "missing-heading",
    message:
      astray === undefined ? texts.missingLayer(layer.name) : texts.missingHeading(layer.name),
  };
}

/** A layer that the model does not have stands in its place: that is said there. */
function isRenamed(layer: LayerView, model: ModelView, parsed: ParsedListing): boolean {
  const above = layerAbove(layer, model, parsed);
  const next = parsed.layers[above === undefined ? 0 : parsed.layers.indexOf(above) + 1];
  return next !== undefined && !model.layers.some((l) => l.name === next.name);
}

export function layerAbove(
  layer: LayerView,
  model: ModelView,
  parsed: ParsedListing,
): ParsedLayer | undefined {
  const before = new Set(model.layers.slice(0, model.layers.indexOf(layer)).map((l) => l.name));
  return parsed.layers.findLast((l) => before.has(l.name));
}

export const isIn = (layer: ParsedLayer, line: number): boolean =>
  line > layer.line && line <= layer.lastLine;

function unknown(
  parsed: ParsedLayer,
  layer: LayerView | undefined,
  texts: ListingMessages,
): ListingProblem[] {
  const { line, nameFrom: from, nameTo: to } = parsed;
  if (layer === undefined)
    return [{ line, from, to, code: "unknown-layer", message: texts.unknownLayer(parsed.name) }];
  return parsed.units
    .filter(({ unit }) => unit >= layer.units)
    .map(({ line, from, to, unit }) => {
      const message = texts.unknownUnit(unit, layer.name, layer.units - 1);
      return { line, from, to, code: "unknown-unit" as const, message };
    });
}
