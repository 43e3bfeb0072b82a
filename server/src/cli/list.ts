import { writeListing } from "#core/listing/write.ts";
import { computeImportance, weightImportance } from "../operations/importance.ts";
import { inspectModel } from "../operations/inspect.ts";
import type { Command } from "./command.ts";
import {
  computeFlags,
  computeHelp,
  count,
  dataFlags,
  dataHelp,
  dataSpec,
  modelPath,
} from "./flags.ts";
import { cliPool } from "./pool.ts";

export const listCommand: Command = {
  name: "list",
  usage: "MODEL [--data DATA]",
  about: "prints the model listing: one block per layer, one line per unit",
  flags: { ...dataFlags, ...computeFlags },
  help: [...dataHelp, ...computeHelp],
  async run(args, terminal) {
    const model = modelPath(args);
    const data = dataSpec(args);
    const view = await inspectModel(model);
    const importance =
      data === undefined
        ? await weightImportance(cliPool(count(args, "processes")), model, terminal)
        : await computeImportance(cliPool(count(args, "processes")), { model, data }, terminal);
    const { text } = writeListing(view, importance);
    return { json: { model, listing: text, view }, text };
  },
};
