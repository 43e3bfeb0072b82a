import {
  type CancellationToken,
  type CodeAction,
  CodeActionKind,
  MessageType,
  ShowMessageNotification,
} from "vscode-languageserver";
import { defined } from "#core/defined.ts";
import { describe, fail, ProblemError } from "#core/problem.ts";
import { unitsOf } from "#core/prune/ranking/rank.ts";
import { commands, type GuardAnswer, type GuardParams } from "#protocol/requests.ts";
import type { Control } from "../compute/pool.ts";
import { timeLeft } from "../compute/timeLeft.ts";
import { attachedProgress } from "../lsp/attachedProgress.ts";
import { linesRange } from "../lsp/convert.ts";
import type { Context } from "./context.ts";
import { unitLines } from "./curve.ts";
import { guardMessages } from "./guardMessages.ts";
import { type OpenListing, openListing } from "./open.ts";

/** What can go within the accuracy guard, with progress to whoever asked. Rejects with ProblemError. */
export async function withinGuard(
  context: Context,
  params: GuardParams,
  token: CancellationToken,
): Promise<GuardAnswer> {
  const { connection, locale } = context;
  return attachedProgress(connection, params.workDoneToken, token, (signal, report) =>
    found(context, params, {
      signal,
      progress: (done, total, left) => report(done / total, timeLeft(left, locale)),
    }),
  );
}

/** The same for editors that only run commands: deletes the lines, and says what came of it. */
export async function pruneWithinGuard(
  context: Context,
  uri: string,
  layer: string | undefined,
): Promise<void> {
  const { connection, locale } = context;
  const asked = { uri, ...defined({ layer }) };
  try {
    const { lines, message } = await found(context, asked);
    const changes = { [uri]: lines.map((line) => ({ range: linesRange(line), newText: "" })) };
    if (lines.length > 0 && !(await connection.workspace.applyEdit({ changes })).applied)
      fail("bad-request", guardMessages(locale).changed, uri);
    say(MessageType.Info, message);
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    if (error.problem.code !== "cancelled") say(MessageType.Error, describe(error.problem));
  }

  function say(type: MessageType, message: string): void {
    void connection.sendNotification(ShowMessageNotification.type, { type, message });
  }
}

async function found(
  context: Context,
  { uri, layer }: GuardParams,
  control?: Control,
): Promise<GuardAnswer> {
  const texts = guardMessages(context.locale);
  const { snapshot } = await unedited(context, uri, texts.edited);
  const { found, drop } = await context.guarding.largest(snapshot, layer, control);
  const now = await unedited(context, uri, texts.changed);
  if (now.snapshot.revision !== snapshot.revision)
    fail("bad-request", texts.changed, snapshot.view.name);
  const { removed: groups, baseline: before, accuracy: after } = found;
  const { version, lines } = await unitLines(context, { uri, units: unitsOf(found.groups) });
  const accuracy = { before, after };
  return {
    version,
    lines,
    groups,
    accuracy,
    drop,
    message: texts.done({ groups, lines, accuracy, drop, layer }),
  };
}

/** An open listing in which nothing is deleted: what can go is measured of the model as it is. */
async function unedited(context: Context, uri: string, message: string): Promise<OpenListing> {
  const listing = await openListing(context, uri);
  if (listing === undefined) throw new Error(`no listing is open at ${uri}`);
  const { snapshot, edit } = listing;
  if (edit.removed.length > 0 || edit.problems.length > 0)
    fail("bad-request", message, snapshot.view.name);
  return listing;
}

/** Offered where accuracy can be measured: for the whole model, or for one layer. */
export async function guardActions(
  { guarding, locale }: Context,
  uri: string,
  listing: OpenListing,
  layer?: string,
): Promise<CodeAction[]> {
  const { snapshot, edit } = listing;
  if (snapshot.importance?.accuracy === undefined) return [];
  if (edit.removed.length > 0 || edit.problems.length > 0) return [];
  const guard = await guarding.guardOf(snapshot);
  const texts = guardMessages(locale);
  const title = layer === undefined ? texts.pruneAll(guard) : texts.pruneLayer(layer, guard);
  const args = layer === undefined ? [uri] : [uri, layer];
  const command = { title, command: commands.pruneWithinGuard, arguments: args };
  return [{ title, kind: CodeActionKind.RefactorRewrite, command }];
}
