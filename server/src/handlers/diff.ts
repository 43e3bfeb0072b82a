import type { CancellationToken } from "vscode-languageserver";
import { diffListings } from "#core/diff/listings.ts";
import type { DiffAnswer, DiffParams } from "#protocol/requests.ts";
import { attachedProgress } from "../lsp/attachedProgress.ts";
import { diffFiles } from "../operations/diff.ts";
import { inspectModel } from "../operations/inspect.ts";
import type { Context } from "./context.ts";

/** Compares two model files for a diff editor. Rejects with ProblemError, also when it is cancelled. */
export async function diffModelFiles(
  { connection, pool, locale }: Context,
  { before, after }: DiffParams,
  token: CancellationToken,
): Promise<DiffAnswer> {
  return attachedProgress(connection, undefined, token, async (signal) => {
    const diff = await diffFiles(pool, { before, after }, { signal });
    const views = [await inspectModel(before), await inspectModel(after)] as const;
    return { same: diff.same, ...diffListings(diff, views, locale) };
  });
}
