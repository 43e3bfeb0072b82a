import type { Finding } from "#protocol/views/finding.ts";
import type { Importance, LayerImportance } from "#protocol/views/importance.ts";
import type { LayerView, ModelView } from "#protocol/views/model.ts";
import { type FindingLevels, findings } from "../report/findings.ts";
import { reportMessages } from "../report/messages.ts";
import { count } from "../report/numbers.ts";
import { aligned } from "./align.ts";
import { coupledCells, coupledComment } from "./coupledText.ts";
import { Coupling } from "./coupling.ts";
import type { ListingDocument, ListingLine, Removal } from "./document.ts";
import { header } from "./header.ts";
import { listingMessages } from "./messages.ts";
import { modulesOf } from "./modules.ts";
import { name, plain } from "./names.ts";
import { factsEnd } from "./tokens.ts";
import { unitCells } from "./unitCells.ts";

export interface ListingOptions {
  /** The data that belongs to the model; absent: what `importance` was computed on. */
  readonly data?: ListingData | undefined;
  readonly classes?: readonly string[] | undefined;
  /** Units to leave out, as if their lines had been deleted. */
  readonly removed?: readonly Removal[] | undefined;
  /** Share of the layer's largest importance below which a unit is marked; 0.05 unless given. */
  readonly lowImportance?: number | undefined;
  readonly levels?: FindingLevels | undefined;
  /** Language of the comments; the listing's own words are the same in every language. */
  readonly locale?: string | undefined;
}

export interface ListingData {
  readonly name: string;
  /** Absent until importance is computed on it. */
  readonly samples?: number | undefined;
  readonly accuracy?: number | undefined;
}

/** A line to be. */
export type Draft = Pick<ListingLine, "kind" | "layer" | "unit"> & { readonly text: string };

/** The text of a model's listing: the same arguments give the same text. */
export function writeListing(
  model: ModelView,
  importance?: Importance,
  options: ListingOptions = {},
): ListingDocument {
  const measured = new Map(importance?.layers.map((layer) => [layer.name, layer]));
  const noted = notes(model, importance, options);
  const modules = moduleLines(model.layers, options);
  const coupling = Coupling.of(model);
  const drafts = [
    ...header(model, importance, options),
    ...model.layers.flatMap((layer, i) => [
      BLANK,
      ...(modules.get(i) ?? []),
      heading(layer, coupling, options),
      ...unitLines(layer, measured.get(layer.name), coupling, noted.get(layer.name), options),
    ]),
    BLANK,
  ];
  return {
    text: drafts.map(({ text }) => text).join("\n"),
    lines: drafts.map(({ text, ...line }) => {
      const to = factsEnd(text);
      return { ...line, from: Math.min(to, text.length - text.trimStart().length), to };
    }),
  };
}

const BLANK: Draft = { kind: "blank", text: "" };

function heading(layer: LayerView, coupling: Coupling, { locale }: ListingOptions): Draft {
  const texts = listingMessages(locale);
  const comment = [
    ...(layer.output ? [texts.output()] : []),
    ...(layer.parameters > 0 ? [texts.parameters(count(layer.parameters))] : []),
    ...(layer.fixed === undefined || layer.output ? [] : [texts.fixed(plain(layer.fixed))]),
    ...coupledComment(layer.name, coupling, texts),
  ].join("; ");
  const facts = `layer ${name(layer.name)}  ${plain(layer.summary)}`.trimEnd();
  return {
    kind: "layer",
    layer: layer.name,
    text: comment === "" ? facts : `${facts}   # ${comment}`,
  };
}

/** The headings of the modules that begin with a layer, by its index. */
function moduleLines(
  layers: readonly LayerView[],
  { locale }: ListingOptions,
): ReadonlyMap<number, readonly Draft[]> {
  const texts = listingMessages(locale);
  const lines = new Map<number, Draft[]>();
  for (const { path, first, count: length } of modulesOf(layers.map((l) => l.name))) {
    const own = layers.slice(first, first + length);
    const parameters = own.reduce((n, l) => n + l.parameters, 0);
    const comment = [texts.layers(count(length)), texts.parameters(count(parameters))].join("; ");
    const text = `module ${name(path)}   # ${comment}`;
    lines.set(first, [...(lines.get(first) ?? []), { kind: "module", text }]);
  }
  return lines;
}

function unitLines(
  layer: LayerView,
  known: LayerImportance | undefined,
  coupling: Coupling,
  noted: ReadonlyMap<number, string> | undefined,
  { classes, removed, locale }: ListingOptions,
): Draft[] {
  const gone = new Set(removed?.flatMap((r) => (r.layer === layer.name ? r.units : [])));
  const cells = unitCells(layer.units, known, classes);
  const coupled = coupledCells(layer, coupling);
  const texts = listingMessages(locale);
  const comment = (unit: number) => {
    const stuck = coupling.stuck(layer.name, unit);
    const note = noted?.get(unit);
    const parts = [
      ...(note === undefined ? [] : [note]),
      ...(stuck === undefined ? [] : [texts.fixed(plain(`${stuck.because} (${stuck.at})`))]),
    ];
    return parts.length === 0 ? "" : `# ${parts.join("; ")}`;
  };
  const rows = aligned(cells.map((row, unit) => [...row, coupled[unit] ?? "", comment(unit)]));
  return rows.flatMap((row, unit) =>
    gone.has(unit) ? [] : [{ kind: "unit" as const, layer: layer.name, unit, text: `  ${row}` }],
  );
}

/** What the comment beside a unit says, by layer and unit. */
function notes(
  model: ModelView,
  importance: Importance | undefined,
  { lowImportance = 0.05, levels, locale }: ListingOptions,
): ReadonlyMap<string, ReadonlyMap<number, string>> {
  const noted = new Map<string, Map<number, string>>();
  if (importance === undefined) return noted;
  const units = new Map(model.layers.map((layer) => [layer.name, layer.units]));
  const texts = reportMessages(locale);
  const brief = ({ code, rank, layer }: Finding) =>
    code === "dead-unit"
      ? texts.deadUnitNote()
      : texts.lowImportanceNote(rank, units.get(layer) ?? 0);
  for (const finding of findings(model, importance, { lowImportance, levels, locale })) {
    const ofLayer = noted.get(finding.layer) ?? new Map<number, string>();
    noted.set(finding.layer, ofLayer.set(finding.unit, brief(finding)));
  }
  return noted;
}
