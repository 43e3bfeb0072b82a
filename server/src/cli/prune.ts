import { resolve } from "node:path";
import { defined } from "#core/defined.ts";
import { fail } from "#core/problem.ts";
import type { PruneReport } from "#protocol/requests.ts";
import { openModel } from "../files/openModel.ts";
import { prune as pruneModel } from "../operations/prune.ts";
import { ENGINES } from "../runtime/engines.ts";
import type { Command } from "./command.ts";
import { costLines } from "./costLines.ts";
import {
  computeFlags,
  computeHelp,
  count,
  dataFlags,
  dataHelp,
  dataSpec,
  modelPath,
  oneOf,
  text,
} from "./flags.ts";
import { cliPool } from "./pool.ts";
import { selection, selectionFlags, selectionHelp } from "./selection.ts";
import { twinFlags, twinHelp, twinRequest } from "./twinFlags.ts";

export const prune: Command = {
  name: "prune",
  usage:
    "MODEL [--data DATA] (--unit LAYER/U … | --plan FILE | [--layer LAYER …] --below S | --count N | --amount S) -o OUT",
  about:
    "removes units and writes a smaller model, checked against the original with the units masked",
  flags: {
    ...dataFlags,
    ...computeFlags,
    ...selectionFlags,
    output: { type: "string", short: "o" },
    ...twinFlags,
  },
  help: [
    ...selectionHelp,
    ["-o OUT", "the file to write"],
    ...twinHelp,
    ...dataHelp,
    ...computeHelp,
  ],
  async run(args, terminal) {
    const model = modelPath(args);
    const output =
      text(args, "output") ?? fail("bad-request", "name the file to write with -o", "");
    const data = dataSpec(args);
    const twin = twinRequest(args);
    if (twin !== undefined && args.values.exact === true)
      fail("bad-request", "--exact changes weights, which a twin would not follow: choose one", "");
    const units = await selection(args, model, data, terminal);
    const engine = oneOf(args, "engine", ENGINES);
    const inPlace = resolve(output) === resolve(model);
    const before = inPlace ? await filesOf(model) : [];
    const report = await pruneModel(
      cliPool(count(args, "processes")),
      {
        model,
        units,
        output: resolve(output),
        ...defined({ data, engine, twin }),
      },
      terminal,
    );
    const { model: _written, ...facts } = report;
    const still = inPlace ? await filesOf(output) : [];
    const left = before.filter((file) => !still.includes(file));
    if (left.length > 0) terminal.note(`note: ${output} no longer refers to ${left.join(", ")}`);
    return {
      json: { output, ...facts, ...(left.length > 0 ? { unreferred: left } : {}) },
      text: show(output, report),
    };
  },
};

/** The model's own file and those beside it that it refers to. */
async function filesOf(model: string): Promise<readonly string[]> {
  const opened = await openModel(model);
  await opened.close();
  return opened.files();
}

function show(output: string, report: Omit<PruneReport, "undo">): string {
  const removed = report.removed.map(
    ({ layer, units }) => `${units.length} of ${layer} (${units.join(", ")})`,
  );
  const { twin } = report;
  const twinLine =
    twin === undefined
      ? ""
      : `  ${twin.output}: ${twin.tensors} tensors cut, bytes ${whole(twin.bytes.before)} → ${whole(twin.bytes.after)}\n`;
  return `${output}: removed ${removed.join(", ")}\n${costLines(report)}${twinLine}  outputs within ${report.maskedDifference} of the original with those units masked\n`;
}

const whole = (n: number): string => n.toLocaleString("en");
