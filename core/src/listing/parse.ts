import { type ListingMessages, listingMessages } from "./messages.ts";
import { isIn } from "./modules.ts";
import { isColumn, unquoted } from "./names.ts";
import type { ListingProblem, ListingProblemCode } from "./problem.ts";
import { factsEnd, splitLines, type Token, tokens } from "./tokens.ts";

/** What a listing's text says, whoever wrote it. Lines and columns count from 0. */
export interface ParsedListing {
  readonly lines: readonly string[];
  readonly model?: ParsedHeading;
  readonly data?: ParsedHeading;
  readonly inputs: readonly ParsedHeading[];
  readonly modules: readonly ParsedModule[];
  readonly layers: readonly ParsedLayer[];
  /** What cannot be read, in line order. */
  readonly problems: readonly ListingProblem[];
}

export interface ParsedLine {
  readonly line: number;
  /** Of the facts: without indentation and comment. */
  readonly from: number;
  readonly to: number;
}

export interface ParsedHeading extends ParsedLine {
  readonly name: string;
}

/** A heading with what belongs to it below. */
export interface ParsedBlock extends ParsedHeading {
  /** Where the name stands. */
  readonly nameFrom: number;
  readonly nameTo: number;
  /** Of the last line that belongs to it; its own if there is none. */
  readonly lastLine: number;
}

export type ParsedModule = ParsedBlock;

export interface ParsedLayer extends ParsedBlock {
  /** `columnsOf` reads the columns of one. */
  readonly units: readonly ParsedUnit[];
}

export interface ParsedUnit extends ParsedLine {
  readonly unit: number;
}

/** Reads any text; what it does not understand becomes a problem, and the rest is still read. */
export function parseListing(text: string, locale?: string): ParsedListing {
  const lines = splitLines(text);
  const state: State = {
    inputs: [],
    modules: [],
    layers: [],
    problems: [],
    texts: listingMessages(locale),
    seen: new Map(),
  };
  lines.forEach((line, index) => {
    const words = tokens(line, 3);
    if (words.length > 0)
      readLine(state, { line: index, from: words[0].from, to: factsEnd(line) }, words);
  });
  const { model, data, inputs, layers, problems } = state;
  return {
    lines,
    ...(model && { model }),
    ...(data && { data }),
    inputs,
    modules: state.modules.map((m) => ({ ...m, lastLine: lastLineOf(m, layers) })),
    layers,
    problems,
  };
}

/** A module reaches to the end of the last of the layers below it whose names it begins. */
function lastLineOf(
  { line, name }: Omit<ParsedModule, "lastLine">,
  layers: readonly ParsedLayer[],
) {
  let last = line;
  for (const layer of layers) {
    if (layer.line < line) continue;
    if (!isIn(layer.name, name)) break;
    last = layer.lastLine;
  }
  return last;
}

/** Where the reading stands. */
interface State {
  readonly texts: ListingMessages;
  model?: ParsedHeading;
  data?: ParsedHeading;
  readonly inputs: ParsedHeading[];
  readonly modules: Omit<ParsedModule, "lastLine">[];
  readonly layers: OpenLayer[];
  readonly problems: ListingProblem[];
  /** Units by layer name; a layer may be listed in two places. */
  readonly seen: Map<string, Set<number>>;
}

interface OpenLayer extends Omit<ParsedLayer, "lastLine" | "units"> {
  lastLine: number;
  readonly units: ParsedUnit[];
}

function readLine(
  state: State,
  line: ParsedLine,
  [keyword, second, third]: readonly Token[],
): void {
  const { texts } = state;
  switch (keyword.text) {
    case "model":
    case "data":
    case "input":
    case "module":
    case "layer":
      if (second === undefined)
        report(state, line, "unreadable-line", texts.missingName(keyword.text));
      else readHeading(state, line, keyword.text, second);
      return;
    case "unit":
      readUnit(state, line, second, third);
      return;
    default:
      report(state, line, "unreadable-line", texts.unexpectedText());
  }
}

function readHeading(
  state: State,
  line: ParsedLine,
  keyword: "model" | "data" | "input" | "module" | "layer",
  token: Token,
): void {
  const name = unquoted(token.text);
  const heading = { ...line, name };
  const named = { ...heading, nameFrom: token.from, nameTo: token.to };
  if (keyword === "module") {
    state.modules.push(named);
  } else if (keyword === "layer") {
    if (state.seen.has(name))
      report(state, line, "duplicate-line", state.texts.duplicateLine(`layer ${name}`));
    else state.seen.set(name, new Set());
    state.layers.push({ ...named, lastLine: line.line, units: [] });
  } else if (keyword === "input") {
    if (state.inputs.some((input) => input.name === name))
      report(state, line, "duplicate-line", state.texts.duplicateLine(`input ${name}`));
    else state.inputs.push(heading);
  } else if (state[keyword] !== undefined) {
    report(state, line, "duplicate-line", state.texts.duplicateLine(keyword));
  } else state[keyword] = heading;
}

function readUnit(
  state: State,
  line: ParsedLine,
  number: Token | undefined,
  next: Token | undefined,
): void {
  const { layers, problems, texts } = state;
  if (number === undefined || !/^(0|[1-9]\d{0,8})$/.test(number.text)) {
    report(state, line, "unreadable-line", texts.badUnit());
    return;
  }
  const layer = layers.at(-1);
  if (layer === undefined) {
    // Once: whoever deletes the first layer's heading leaves all its units astray.
    if (!problems.some(({ code }) => code === "stray-unit"))
      report(state, line, "stray-unit", texts.strayUnit());
    return;
  }
  layer.lastLine = line.line;
  const unit = Number(number.text);
  const seen = state.seen.get(layer.name)!;
  if (seen.has(unit)) report(state, line, "duplicate-unit", texts.duplicateUnit(unit, layer.name));
  else layer.units.push({ line: line.line, from: line.from, to: line.to, unit });
  seen.add(unit);
  if (next !== undefined && !isColumn(next.text))
    report(state, { ...line, from: next.from }, "unreadable-line", texts.unknownColumn(next.text));
}

function report(state: State, at: ParsedLine, code: ListingProblemCode, message: string): void {
  state.problems.push({ line: at.line, from: at.from, to: at.to, code, message });
}
