import { type CodeAction, CodeActionKind, type Diagnostic } from "vscode-languageserver";
import { splitName } from "#core/data/open.ts";
import { commands } from "#protocol/requests.ts";
import { openAnyway } from "../files/limits.ts";
import type { Snapshot } from "../workspace/snapshot.ts";
import type { Context } from "./context.ts";
import { actionMessages } from "./messages.ts";
import type { OpenListing } from "./open.ts";

/** Offered where the model or its data are over a limit. */
export function openAnywayFix(
  { locale }: Context,
  { model, snapshot }: OpenListing,
  diagnostics: readonly Diagnostic[],
): CodeAction[] {
  if (overLimit(snapshot).length === 0) return [];
  const title = actionMessages(locale).openAnyway;
  return [
    {
      title,
      kind: CodeActionKind.QuickFix,
      diagnostics: diagnostics.filter(({ code }) => code === OVER_LIMIT),
      command: { title, command: commands.openAnyway, arguments: [model] },
    },
  ];
}

/** From now on, until the server ends, what is over a limit of this model is opened; its listing is read anew. */
export async function openAnywayNow({ models }: Context, model: string): Promise<void> {
  for (const path of overLimit(await models.get(model))) openAnyway(path);
  models.invalidate(model);
}

const OVER_LIMIT = "over-limit";

/** The model, or the data that kaibo.json names for it. */
function overLimit({ path, problem, failure, view, config }: Snapshot): readonly string[] {
  const found: string[] = [];
  if (problem?.code === OVER_LIMIT || view.unread?.some(({ code }) => code === OVER_LIMIT))
    found.push(path);
  if (failure?.code === OVER_LIMIT)
    found.push(failure.at.file === path ? path : splitName(config?.data?.data ?? path).path);
  return found;
}
