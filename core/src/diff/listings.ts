import type { Change, MatchedLayer, ModelDiff } from "#protocol/views/diff.ts";
import type { LayerView, ModelView } from "#protocol/views/model.ts";
import { header } from "../listing/header.ts";
import { listingMessages } from "../listing/messages.ts";
import { name, plain, quoted } from "../listing/names.ts";
import { count } from "../report/numbers.ts";
import { type DiffMessages, diffMessages } from "./messages.ts";
import { percent, unitList } from "./show.ts";

/** Two texts for a diff editor. */
export interface DiffListings {
  readonly before: string;
  readonly after: string;
}

/**
 * The listings of two models in which what is the same has the same line: the second model's units have the
 * numbers that they have in the first. What differs and has no line of its own is a comment of the second.
 * @param views of the two models
 */
export function diffListings(
  diff: ModelDiff,
  views: readonly [ModelView, ModelView],
  locale?: string,
): DiffListings {
  const texts = diffMessages(locale);
  const [before, after] = views;
  const matched = diff.layers.filter((l) => l.kind === "matched");
  const first = new Map(matched.map((l) => [l.before, l]));
  const second = new Map(matched.map((l) => [l.after, l]));
  const page = (view: ModelView, facts: readonly string[], units: Units) =>
    [
      ...heading(view, locale),
      ...facts,
      ...view.layers.flatMap((layer) => ["", layerLine(layer, locale), ...units(layer)]),
      "",
    ].join("\n");
  return {
    before: page(before, [], (layer) => unitsBefore(layer, first.get(layer.name), texts)),
    after: page(after, factLines(diff, texts), (layer) =>
      unitsAfter(layer, second.get(layer.name), texts),
    ),
  };
}

type Units = (layer: LayerView) => readonly string[];

function heading(view: ModelView, locale: string | undefined): readonly string[] {
  // Nothing is computed here: what a listing says of its data does not belong here.
  const noData = listingMessages(locale).noData(quoted(view.name));
  return header(view, undefined, { locale })
    .map(({ text }) => text)
    .filter((text) => !text.endsWith(noData));
}

function layerLine(layer: LayerView, locale: string | undefined): string {
  const parameters = listingMessages(locale).parameters(count(layer.parameters));
  return `layer ${name(layer.name)}  ${plain(layer.summary)}   # ${parameters}`;
}

const unitLine = (unit: number, comment = ""): string =>
  comment === "" ? `  unit ${unit}` : `  unit ${unit}   # ${comment}`;

const all = (units: number): readonly number[] => Array.from({ length: units }, (_, u) => u);

function unitsBefore(
  { units }: LayerView,
  matched: MatchedLayer | undefined,
  texts: DiffMessages,
): readonly string[] {
  const unclear = new Set(matched?.units.unmatched?.before);
  return all(units).map((u) => unitLine(u, unclear.has(u) ? texts.unmatched() : ""));
}

function unitsAfter(
  { units }: LayerView,
  matched: MatchedLayer | undefined,
  texts: DiffMessages,
): readonly string[] {
  if (matched === undefined) return all(units).map((v) => unitLine(v));
  const { from, changed, unmatched } = matched.units;
  const by = new Map(changed.map(({ after, change }) => [after, change]));
  const unclear = new Set(unmatched?.after);
  const moved = all(units).filter((v) => from[v] >= 0 && from[v] !== v);
  return [
    ...matched.changes.map((c) => `  ${comment(changeText(c, texts))}`),
    ...(moved.length === 0
      ? []
      : [`  ${comment(texts.renumbered(unitList(moved.map((v) => from[v])), unitList(moved)))}`]),
    ...all(units).map((v) => {
      if (unclear.has(v)) return unitLine(v, texts.unmatched());
      if (from[v] < 0) return unitLine(v, texts.added());
      const change = by.get(v);
      return unitLine(from[v], change === undefined ? "" : texts.changed(percent(change)));
    }),
  ];
}

/** What stands in no layer. */
function factLines(
  { facts, operators, tensors, notes }: ModelDiff,
  texts: DiffMessages,
): readonly string[] {
  const lines = [
    ...facts.map((c) => changeText(c, texts)),
    ...operators.map((o) => {
      const what = `${o.operator} ${o.name}`;
      if (o.kind === "changed")
        return `${what}: ${o.changes.map((c) => changeText(c, texts)).join("; ")}`;
      return o.kind === "removed" ? texts.removed(what) : texts.new(what);
    }),
    ...tensors.map((t) => {
      const what = texts.what(`tensor ${t.tensor}`);
      if (t.kind !== "changed") return t.kind === "removed" ? texts.removed(what) : texts.new(what);
      const { before, after } = t.type;
      const type = before === after ? before : `${before} → ${after}`;
      return `${what}  ${type} ${texts.changed(t.change === undefined ? "" : percent(t.change))}`;
    }),
    ...notes.map(texts.note),
  ];
  return lines.length === 0 ? [] : ["", ...lines.map(comment)];
}

const changeText = ({ what, before, after }: Change, texts: DiffMessages): string =>
  `${texts.what(what)}: ${before || texts.none()} → ${after || texts.none()}`;

const comment = (text: string): string => `# ${text.replace(/[\p{C}\u2028\u2029]+/gu, " ")}`;
