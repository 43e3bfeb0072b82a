import type { Diagnostic } from "vscode-languageserver";
import { findingDiagnostic, problemDiagnostic } from "../lsp/convert.ts";
import type { Context } from "./context.ts";
import { openListing } from "./open.ts";

/** Sends what is wrong with a listing and what was found about its units. */
export async function publishDiagnostics(context: Context, uri: string): Promise<void> {
  const listing = await openListing(context, uri);
  if (listing === undefined) return;
  const { edit, snapshot, version } = listing;
  const units = new Map(
    edit.parsed.layers.flatMap((l) => l.units.map((u) => [`${l.name}/${u.unit}`, u] as const)),
  );
  const found = snapshot.findings.flatMap((f): Diagnostic[] => {
    const unit = units.get(`${f.layer}/${f.unit}`);
    return unit === undefined ? [] : [findingDiagnostic(f, unit)];
  });
  const diagnostics = [...edit.problems.map(problemDiagnostic), ...found];
  await context.connection.sendDiagnostics({ uri, version, diagnostics });
}
