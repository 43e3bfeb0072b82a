import { commands } from "#protocol/requests.ts";
import type { Server } from "../server.ts";
import { chooseModel } from "./chooseModel.ts";

export async function computeImportance(server: Server, argument: unknown): Promise<void> {
  const model = await chooseModel(argument);
  if (model !== undefined) await server.execute(commands.computeImportance, model);
}
