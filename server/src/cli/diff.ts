import { diffText } from "#core/diff/text.ts";
import { fail } from "#core/problem.ts";
import { diffFiles } from "../operations/diff.ts";
import type { Arguments, Command } from "./command.ts";
import { cliPool } from "./pool.ts";

export const diff: Command = {
  name: "diff",
  usage: "BEFORE AFTER",
  about: "compares two models: layers and units that are gone, new or changed (exit 1 if any)",
  flags: {},
  help: [],
  async run(args, terminal) {
    const [before, after] = modelPaths(args);
    const found = await diffFiles(cliPool(1), { before, after }, { signal: terminal.signal });
    return { json: found, text: diffText(found), failed: !found.same };
  },
};

function modelPaths({ positionals }: Arguments): readonly [string, string] {
  const [before, after, ...others] = positionals;
  if (before === undefined || after === undefined)
    return fail("bad-request", "name two model files", "");
  if (others.length > 0) return fail("bad-request", `unexpected argument ${others[0]}`, "");
  return [before, after];
}
