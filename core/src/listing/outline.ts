import { columnsOf } from "./columns.ts";
import type { ParsedLayer, ParsedListing, ParsedModule, ParsedUnit } from "./parse.ts";
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
  readonly kind: "module" | "layer" | "unit";
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

/** The modules, their layers and their units, as an outline view shows them. */
export function outline(parsed: ParsedListing): readonly OutlineSymbol[] {
  const top: OutlineSymbol[] = [];
  const open: { readonly lastLine: number; readonly children: OutlineSymbol[] }[] = [];
  for (const block of blocks(parsed)) {
    while (open.length > 0 && open.at(-1)!.lastLine < block.line) open.pop();
    const units = "units" in block ? block.units.map((unit) => unitSymbol(parsed, unit)) : [];
    const symbol = {
      kind: "units" in block ? ("layer" as const) : ("module" as const),
      name: block.name.trim() === "" ? `"${block.name}"` : block.name,
      detail: parsed.lines[block.line].slice(block.nameTo, block.to).trim(),
      span: span(block.line, block.from, block.lastLine, parsed.lines[block.lastLine].length),
      selection: span(block.line, block.nameFrom, block.line, block.nameTo),
      children: units,
    };
    (open.at(-1)?.children ?? top).push(symbol);
    if (symbol.kind === "module") open.push({ lastLine: block.lastLine, children: units });
  }
  return top;
}

export function folds(parsed: ParsedListing): readonly Fold[] {
  return blocks(parsed).flatMap(({ line, lastLine }) =>
    lastLine > line ? [{ from: line, to: lastLine }] : [],
  );
}

const blocks = ({ modules, layers }: ParsedListing): readonly (ParsedModule | ParsedLayer)[] =>
  [...modules, ...layers].sort((a, b) => a.line - b.line);

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
