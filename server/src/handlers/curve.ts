import type { CancellationToken } from "vscode-languageserver";
import type {
  RemovalCurveAnswer,
  RemovalCurveParams,
  UnitLines,
  UnitLinesParams,
} from "#protocol/requests.ts";
import { timeLeft } from "../compute/timeLeft.ts";
import { attachedProgress } from "../lsp/attachedProgress.ts";
import type { Context } from "./context.ts";
import { openListing } from "./open.ts";

/** Computes a curve, with progress to whoever asked; ends when the request is cancelled. */
export async function curve(
  { connection, curves, locale }: Context,
  params: RemovalCurveParams,
  token: CancellationToken,
): Promise<RemovalCurveAnswer | null> {
  return attachedProgress(connection, params.workDoneToken, token, (signal, report) =>
    curves.curve(params, {
      signal,
      progress: (done, total, left) => report(done / total, timeLeft(left, locale)),
    }),
  );
}

/** Where units stand in a listing as it is in the editor now; those that are gone already stand nowhere. */
export async function unitLines(
  context: Context,
  { uri, units }: UnitLinesParams,
): Promise<UnitLines> {
  const listing = await openListing(context, uri);
  if (listing === undefined) throw new Error(`no listing is open at ${uri}`);
  const wanted = new Map(units.map((of) => [of.layer, new Set(of.units)]));
  const lines = listing.edit.parsed.layers.flatMap((layer) =>
    layer.units.filter((u) => wanted.get(layer.name)?.has(u.unit)).map((u) => u.line),
  );
  return { version: listing.version, lines };
}
