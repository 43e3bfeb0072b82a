import { type Hover, MarkupKind, type Position } from "vscode-languageserver";
import { coupledUnits } from "#core/listing/coupledText.ts";
import { Coupling } from "#core/listing/coupling.ts";
import { columnFormat, count, percent, share } from "#core/report/numbers.ts";
import { ranks } from "#core/report/ranks.ts";
import { shares } from "#core/report/shares.ts";
import type { LayerImportance } from "#protocol/views/importance.ts";
import type { ModelView } from "#protocol/views/model.ts";
import { classBars } from "#webview/charts/classBars.ts";
import { kernel } from "#webview/charts/kernel.ts";
import { svgDataUri } from "#webview/charts/svgDataUri.ts";
import { lineRange } from "../lsp/convert.ts";
import { readKernel } from "../operations/kernel.ts";
import type { Context } from "./context.ts";
import { hoverMessages } from "./messages.ts";
import { openListing } from "./open.ts";

/** A unit's importance and rank, its contribution per class, its kernel, how often it is active. */
export async function hover(
  context: Context,
  uri: string,
  { line }: Position,
): Promise<Hover | undefined> {
  const listing = await openListing(context, uri);
  if (listing === undefined) return undefined;
  const { snapshot, edit, model } = listing;
  for (const layer of edit.parsed.layers) {
    const unit = layer.units.find((u) => u.line === line);
    if (unit === undefined) continue;
    const view = snapshot.view.layers.find((l) => l.name === layer.name);
    if (view === undefined || unit.unit >= view.units) return undefined;
    const known = snapshot.importance?.layers.find((l) => l.name === layer.name);
    const refused = snapshot.importance?.refused?.find((r) => r.layer === layer.name);
    const texts = hoverMessages(context.locale);
    const classes = snapshot.config?.classes;
    const picture = await readKernel(model, snapshot.revision, layer.name, unit.unit);
    const [first = texts.noResults, ...rest] =
      known === undefined ? [] : facts(known, unit.unit, snapshot.importance!.samples, texts);
    const lines = [
      `**${escapeMarkdown(layer.name)} / unit ${unit.unit}** · ${first}`,
      ...rest,
      ...(refused === undefined ? [] : [escapeMarkdown(texts.noImportance(refused.because))]),
      ...(view.fixed === undefined ? [] : [escapeMarkdown(texts.fixed(view.fixed))]),
      ...together(snapshot.view, layer.name, unit.unit, texts),
    ];
    // Beside each other: a hover is wide and low.
    const pictures = [
      ...(known === undefined ? [] : contributionBars(known, unit.unit, classes, texts)),
      ...(picture === undefined ? [] : [image(texts.kernel, kernel.render(picture))]),
    ];
    return {
      contents: {
        kind: MarkupKind.Markdown,
        value: [
          lines.join(LINE_BREAK),
          pictures.join("&nbsp;&nbsp;&nbsp;"),
          ...(known === undefined ? [] : [`*${texts.importanceIs(texts.index[known.index])}*`]),
        ].join("\n\n"),
      },
      range: lineRange(line, unit.from, unit.to),
    };
  }
  return undefined;
}

/** What goes along with a unit, or why it cannot go though others of its layer can. */
function together(model: ModelView, layer: string, unit: number, texts: Texts): string[] {
  const coupling = Coupling.of(model);
  const stuck = coupling.stuck(layer, unit);
  const others = coupledUnits(layer, unit, coupling, MOST_COUPLED);
  return [
    ...(stuck === undefined ? [] : [texts.fixed(`${stuck.because} (${stuck.at})`)]),
    ...(others.length === 0 ? [] : [texts.coupled(others.join(", "))]),
  ].map(escapeMarkdown);
}

const MOST_COUPLED = 12;

const LINE_BREAK = "  \n";

type Texts = ReturnType<typeof hoverMessages>;

function facts(layer: LayerImportance, unit: number, samples: number, texts: Texts): string[] {
  const { importance, units } = layer;
  const largest = Math.max(...importance);
  const value = columnFormat(importance)(importance[unit]!);
  const part = largest > 0 ? percent(importance[unit]! / largest) : percent(0);
  const shared = shares(layer.contribution, units)?.contribution[unit];
  const rank = ranks(importance)[unit]!;
  return [
    layer.index === "activation"
      ? texts.deviation(value, rank, units)
      : texts.importance(value, rank, units, part),
    [
      ...(shared === undefined ? [] : [texts.contribution(share(shared, 3))]),
      ...(layer.active.length === 0
        ? []
        : [texts.active(percent(layer.active[unit]!), count(samples))]),
    ].join(" · "),
  ];
}

function contributionBars(
  layer: LayerImportance,
  unit: number,
  names: readonly string[] | undefined,
  texts: Texts,
): string[] {
  if (shares(layer.contribution, layer.units) === undefined) return [];
  const values = layer.contribution.map((row) => row[unit]!);
  const classes = values.map((_, c) => names?.[c] ?? String(c));
  return [image(texts.contributionAlt, classBars.render({ classes, values }))];
}

const image = (alt: string, svg: string): string => `![${alt}](${svgDataUri(svg)})`;

const escapeMarkdown = (text: string): string => text.replace(/[\\`*_{}[\]<>()#+!|-]/g, "\\$&");
