import { type Hover, MarkupKind, type Position } from "vscode-languageserver";
import { columnFormat, count, percent, share } from "#core/report/numbers.ts";
import { ranks } from "#core/report/ranks.ts";
import { shares } from "#core/report/shares.ts";
import type { LayerImportance } from "#protocol/views/importance.ts";
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
    const texts = hoverMessages(context.locale);
    const classes = snapshot.config?.classes;
    const picture = await readKernel(model, snapshot.revision, layer.name, unit.unit);
    const lines = [
      `**${escapeMarkdown(layer.name)} / unit ${unit.unit}**`,
      ...(known === undefined
        ? [texts.noResults]
        : facts(known, unit.unit, snapshot.importance!.samples, texts)),
      ...(known === undefined ? [] : contribution(known, unit.unit, classes, texts)),
      ...(picture === undefined
        ? []
        : [`${texts.kernel}\n\n![${texts.kernel}](${svgDataUri(kernel.render(picture))})`]),
      ...(view.fixed === undefined ? [] : [escapeMarkdown(texts.fixed(view.fixed))]),
    ];
    return {
      contents: { kind: MarkupKind.Markdown, value: lines.join("\n\n") },
      range: lineRange(line, unit.from, unit.to),
    };
  }
  return undefined;
}

type Texts = ReturnType<typeof hoverMessages>;

function facts(layer: LayerImportance, unit: number, samples: number, texts: Texts): string[] {
  const { importance, units, index } = layer;
  const largest = Math.max(...importance);
  const value = columnFormat(importance)(importance[unit]!);
  const part = largest > 0 ? percent(importance[unit]! / largest) : percent(0);
  return [
    `${texts.importance(value, ranks(importance)[unit]!, units, part)}  \n*${texts.index[index]}*`,
    texts.active(percent(layer.active[unit]!), count(samples)),
  ];
}

function contribution(
  layer: LayerImportance,
  unit: number,
  names: readonly string[] | undefined,
  texts: Texts,
): string[] {
  const shared = shares(layer.contribution, layer.units);
  if (shared === undefined) return [];
  const values = layer.contribution.map((row) => row[unit]!);
  const classes = values.map((_, c) => names?.[c] ?? String(c));
  const picture = svgDataUri(classBars.render({ classes, values }));
  return [
    `${texts.contribution(share(shared.contribution[unit]!, 3))}\n\n![${texts.contributionAlt}](${picture})`,
  ];
}

const escapeMarkdown = (text: string): string => text.replace(/[\\`*_{}[\]<>()#+!|-]/g, "\\$&");
