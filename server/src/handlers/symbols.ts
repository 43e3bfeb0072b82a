import { type DocumentSymbol, type FoldingRange, SymbolKind } from "vscode-languageserver";
import { folds, type OutlineSymbol, outline } from "#core/listing/outline.ts";
import { parseListing } from "#core/listing/parse.ts";
import { spanRange } from "../lsp/convert.ts";
import type { Context } from "./context.ts";

export function documentSymbols({ documents }: Context, uri: string): DocumentSymbol[] {
  const document = documents.get(uri);
  return document === undefined ? [] : outline(parseListing(document.getText())).map(symbol);
}

const KINDS = {
  module: SymbolKind.Namespace,
  layer: SymbolKind.Module,
  unit: SymbolKind.Field,
} as const;

const symbol = ({
  kind,
  name,
  detail,
  span,
  selection,
  children,
}: OutlineSymbol): DocumentSymbol => ({
  name,
  detail,
  kind: KINDS[kind],
  range: spanRange(span),
  selectionRange: spanRange(selection),
  children: children.map(symbol),
});

export function foldingRanges({ documents }: Context, uri: string): FoldingRange[] {
  const document = documents.get(uri);
  if (document === undefined) return [];
  return folds(parseListing(document.getText())).map(({ from, to }) => ({
    startLine: from,
    endLine: to,
  }));
}
