import { stableListing } from "#core/diff/stable.ts";
import { writeListing } from "#core/listing/write.ts";
import { readModelOf } from "../files/openModel.ts";
import { computeImportance } from "../operations/importance.ts";
import { inspectModel, inspectWithWeights } from "../operations/inspect.ts";
import type { Command, Outcome } from "./command.ts";
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
  usage: "MODEL [--data DATA] | MODEL --textconv",
  about: "prints the model listing: one block per layer, one line per unit",
  flags: { ...dataFlags, ...computeFlags, textconv: { type: "boolean" } },
  help: [
    ["--textconv", "for git diff: units by fingerprints, no file name, nothing computed"],
    ...dataHelp,
    ...computeHelp,
  ],
  async run(args, terminal) {
    const model = modelPath(args);
    if (args.values.textconv === true) return forGit(model);
    const data = dataSpec(args);
    const { view, importance } =
      data === undefined
        ? await inspectWithWeights(model, terminal.signal)
        : {
            view: await inspectModel(model),
            importance: await computeImportance(
              cliPool(count(args, "processes")),
              { model, data },
              terminal,
            ),
          };
    const { text } = writeListing(view, importance);
    return { json: { model, listing: text, view }, text };
  },
};

async function forGit(path: string): Promise<Outcome> {
  const { model, unread } = await readModelOf(path, true);
  const problem = unread === undefined ? "" : `problem ${unread.code}: ${unread.message}\n`;
  const text = `${stableListing(model)}${problem}`;
  return { json: { model: path, listing: text }, text };
}
