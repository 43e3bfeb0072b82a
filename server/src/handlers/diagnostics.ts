import { type Diagnostic, DiagnosticSeverity } from "vscode-languageserver";
import { type ParsedLayer, type ParsedListing, parseListing } from "#core/listing/parse.ts";
import { describe, type Problem, ProblemError } from "#core/problem.ts";
import { findingDiagnostic, lineRange, problemDiagnostic, SOURCE } from "../lsp/convert.ts";
import type { Snapshot } from "../workspace/snapshot.ts";
import type { Context } from "./context.ts";
import { diagnosticMessages } from "./messages.ts";
import { type OpenListing, openListing } from "./open.ts";

/** Sends what is wrong with a listing and what was found about its units. */
export async function publishDiagnostics(context: Context, uri: string): Promise<void> {
  const document = context.documents.get(uri);
  if (document === undefined) return;
  const { version } = document;
  const diagnostics = await diagnosticsOf(context, uri, document.getText());
  // A newer text has diagnostics of its own, a closed one has none.
  if (context.documents.get(uri)?.version !== version) return;
  await context.connection.sendDiagnostics({ uri, version, diagnostics });
}

async function diagnosticsOf(context: Context, uri: string, text: string): Promise<Diagnostic[]> {
  let listing: OpenListing | undefined;
  try {
    listing = await openListing(context, uri);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return [modelDiagnostic(error.problem, text)];
  }
  if (listing === undefined) return [];
  const { edit, snapshot } = listing;
  const units = new Map(
    edit.parsed.layers.flatMap((l) => l.units.map((u) => [`${l.name}/${u.unit}`, u] as const)),
  );
  const found = snapshot.findings.flatMap((f): Diagnostic[] => {
    const unit = units.get(`${f.layer}/${f.unit}`);
    return unit === undefined ? [] : [findingDiagnostic(f, unit)];
  });
  const wrong = [snapshot.problem, snapshot.failure].filter((p) => p !== undefined);
  return [
    ...wrong.map((p) => modelDiagnostic(p, text)),
    ...unreadDiagnostics(snapshot, edit.parsed),
    ...edit.problems.map((p) => problemDiagnostic(p, context.relates ? uri : undefined)),
    ...edit.parsed.layers.flatMap((l) => lowInLayer(context, snapshot, l)),
    ...found,
  ];
}

/** What could not be read stands at the layers before it, or where the listing names the model. */
function unreadDiagnostics({ view }: Snapshot, { layers, model }: ParsedListing): Diagnostic[] {
  return (view.unread ?? []).flatMap(({ code, message, layers: before }) => {
    const there = layers.filter((l) => before.includes(l.name));
    const ranges = there.map((l) => lineRange(l.line, l.nameFrom, l.nameTo));
    const { line, from, to } = model ?? { line: 0, from: 0, to: 0 };
    return (ranges.length > 0 ? ranges : [lineRange(line, from, to)]).map((range) => ({
      range,
      severity: DiagnosticSeverity.Warning,
      code,
      source: SOURCE,
      message,
    }));
  });
}

/** Editors keep hints out of their lists of problems: one line for each layer stands there for them. */
function lowInLayer(
  { locale }: Context,
  { findings }: Snapshot,
  { name, line, nameFrom, nameTo, units }: ParsedLayer,
): Diagnostic[] {
  const listed = new Set(units.map((u) => u.unit));
  const low = findings
    .filter((f) => f.layer === name && f.code === "low-importance" && f.level === "hint")
    .map((f) => f.unit)
    .filter((unit) => listed.has(unit));
  if (low.length === 0) return [];
  const list = low.slice(0, MOST_LISTED).join(", ");
  const more = Math.max(0, low.length - MOST_LISTED);
  return [
    {
      range: lineRange(line, nameFrom, nameTo),
      severity: DiagnosticSeverity.Information,
      code: "low-importance",
      source: SOURCE,
      message: diagnosticMessages(locale).lowInLayer(low.length, units.length, list, more),
    },
  ];
}

const MOST_LISTED = 16;

/** What is wrong with the model, its data or kaibo.json is said where the listing names the model. */
function modelDiagnostic(problem: Problem, text: string): Diagnostic {
  const { line, from, to } = parseListing(text).model ?? { line: 0, from: 0, to: 0 };
  return {
    range: lineRange(line, from, to),
    severity: DiagnosticSeverity.Error,
    code: problem.code,
    source: SOURCE,
    message: describe(problem),
  };
}
