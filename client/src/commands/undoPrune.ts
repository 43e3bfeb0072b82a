import type { Prunes } from "../editors/prunes.ts";
import { chooseModel } from "./chooseModel.ts";

/** The notification's "Undo", also when the notification is gone, and in a later session. */
export async function undoPrune(prunes: Prunes, argument: unknown): Promise<void> {
  const model = await chooseModel(argument);
  if (model !== undefined) await prunes.undo({ model });
}

export async function restoreOriginal(prunes: Prunes, argument: unknown): Promise<void> {
  const model = await chooseModel(argument);
  if (model !== undefined) await prunes.restore(model);
}
