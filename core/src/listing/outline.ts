import { columnsOf } from "./columns.ts";
import type { ParsedListing, ParsedUnit } from "./parse.ts";
import { tokens } from "./tokens.ts";

/** Lines and characters from 0; `to` is just behind. */
export interface Span {
  readonly from: Position;
  readonly to: Position;
}
export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface OutlineSymbol {
  readonly kind: "layer" | "unit";
  /** Never empty. */
  readonly name: string;
  /** A layer's summary, a unit's importance. */
  readonly detail: string;
  /** All of it: a layer's units lie in their layer. */
  readonly span: Span;
  /** Its name. */
  readonly selection: Span;
  readonly children: readonly OutlineSymbol[];
}

/** Lines that fold into the first. */
export interface Fold {
  readonly from: number;
  readonly to: number;
}

/** The layers and their units, as an outline view shows them. */
export function outline(parsed: ParsedListing): readonly OutlineSymbol[] {
  return parsed.layers.map((layer) => ({
    kind: "layer",
    name: layer.name.trim() === "" ? `"${layer.name}"` : layer.name,
    detail: parsed.lines[layer.line].slice(layer.nameTo, layer.to).trim(),
    span: span(layer.line, layer.from, layer.lastLine, parsed.lines[layer.lastLine].length),
    selection: span(layer.line, layer.nameFrom, layer.line, layer.nameTo),
    children: layer.units.map((unit) => unitSymbol(parsed, unit)),
  }));
}

export function folds(parsed: ParsedListing): readonly Fold[] {
  return parsed.layers.flatMap(({ line, lastLine }) =>
    lastLine > line ? [{ from: line, to: lastLine }] : [],
  );
}

function unitSymbol(parsed: ParsedListing, unit: ParsedUnit): OutlineSymbol {
  const { line, from, to } = unit;
  const numberEnd = tokens(parsed.lines[line], 2)[1].to;
  const importance = columnsOf(parsed, unit).find(({ name }) => name === "importance");
  return {
    kind: "unit",
    name: `unit ${unit.unit}`,
    detail: importance === undefined ? "" : `importance ${importance.values.join(" ")}`,
    span: span(line, from, line, to),
    selection: span(line, from, line, numberEnd),
    children: [],
  };
}

function span(fromLine: number, fromCharacter: number, toLine: number, toCharacter: number): Span {
  return {
    from: { line: fromLine, character: fromCharacter },
    to: { line: toLine, character: toCharacter },
  };
}
