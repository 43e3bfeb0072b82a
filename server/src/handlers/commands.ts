import { commands } from "#protocol/requests.ts";
import type { Context } from "./context.ts";
import { openAnywayNow } from "./openAnyway.ts";
import { pruneWithinGuard } from "./pruneWithinGuard.ts";

type Run = (context: Context, args: readonly unknown[]) => Promise<void>;

/** What workspace/executeCommand runs. */
const table: Readonly<Record<string, Run>> = {
  [commands.computeImportance]: ({ models }, [model]) => models.recompute(String(model)),
  [commands.openAnyway]: (context, [model]) => openAnywayNow(context, String(model)),
  [commands.pruneWithinGuard]: (context, [uri, layer]) =>
    pruneWithinGuard(context, String(uri), layer === undefined ? undefined : String(layer)),
  [commands.restoreOriginal]: ({ prunes }, [model]) => prunes.restore({ model: String(model) }),
};

export async function executeCommand(
  context: Context,
  command: string,
  args: readonly unknown[] = [],
): Promise<void> {
  const run = table[command];
  if (run === undefined) throw new Error(`unknown command ${command}`);
  await run(context, args);
}
