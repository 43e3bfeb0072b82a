import {
  type Diagnostic,
  DiagnosticSeverity,
  DiagnosticTag,
  type Range,
} from "vscode-languageserver";
import type { Span } from "#core/listing/outline.ts";
import type { ParsedUnit } from "#core/listing/parse.ts";
import type { ListingProblem } from "#core/listing/problem.ts";
import type { Finding } from "#protocol/views/finding.ts";

export const SOURCE = "Kaibo";

const SEVERITIES = {
  hint: DiagnosticSeverity.Hint,
  information: DiagnosticSeverity.Information,
  warning: DiagnosticSeverity.Warning,
  error: DiagnosticSeverity.Error,
} as const;

export function findingDiagnostic(finding: Finding, { line, from, to }: ParsedUnit): Diagnostic {
  const unnecessary = finding.code === "low-importance";
  return {
    range: lineRange(line, from, to),
    severity: SEVERITIES[finding.level],
    code: finding.code,
    source: SOURCE,
    message: finding.message,
    ...(unnecessary ? { tags: [DiagnosticTag.Unnecessary] } : {}),
  };
}

/** @param relatedIn the listing, for an editor that shows related places */
export const problemDiagnostic = (
  { line, from, to, message, code, related = [] }: ListingProblem,
  relatedIn: string | undefined,
): Diagnostic => ({
  range: lineRange(line, from, to),
  severity: DiagnosticSeverity.Error,
  code,
  source: SOURCE,
  message,
  ...(related.length === 0 || relatedIn === undefined
    ? {}
    : {
        relatedInformation: related.map((r) => ({
          location: { uri: relatedIn, range: lineRange(r.line, r.from, r.to) },
          message: r.message,
        })),
      }),
});

export const lineRange = (line: number, from: number, to: number): Range => ({
  start: { line, character: from },
  end: { line, character: to },
});

/** Whole lines, with their ends. */
export const linesRange = (line: number): Range => ({
  start: { line, character: 0 },
  end: { line: line + 1, character: 0 },
});

export const spanRange = ({ from, to }: Span): Range => ({ start: from, end: to });
