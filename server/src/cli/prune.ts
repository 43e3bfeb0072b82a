import { resolve } from "node:path";
import type { DataSpec } from "#core/data/spec.ts";
import { fail } from "#core/problem.ts";
import { unitsBelow, unitsLowest } from "#core/prune/choose.ts";
import type { UnitSet } from "#core/prune/plan.ts";
import type { BeforeAfter, PruneReport } from "#protocol/requests.ts";
import { computeImportance } from "../operations/importance.ts";
import { prune as pruneModel } from "../operations/prune.ts";
import { ENGINES } from "../runtime/engines.ts";
import type { Arguments, Command, Terminal } from "./command.ts";
import {
  computeFlags,
  computeHelp,
  count,
  dataFlags,
  dataHelp,
  dataSpec,
  list,
  modelPath,
  number,
  oneOf,
  text,
} from "./flags.ts";
import { cliPool } from "./pool.ts";

export const prune: Command = {
  name: "prune",
  usage:
    "MODEL --data DATA (--unit LAYER/U … | --layer LAYER --below S | --layer LAYER --count N) -o OUT",
  about:
    "removes units and writes a smaller model, checked against the original with the units masked",
  flags: {
    ...dataFlags,
    ...computeFlags,
    unit: { type: "string", multiple: true },
    layer: { type: "string" },
    below: { type: "string" },
    count: { type: "string" },
    index: { type: "string" },
    output: { type: "string", short: "o" },
  },
  help: [
    ["--unit LAYER/U", "a unit, e.g. conv1/7; may be repeated"],
    [
      "--layer LAYER --below S",
      "units whose importance is below the share S of the layer's largest",
    ],
    ["--layer LAYER --count N", "the N least important units"],
    [
      "--index sigma|gate|scaled",
      "what ranks the units (default: gate for filters, scaled for dense units)",
    ],
    ["-o OUT", "the file to write"],
    ...dataHelp,
    ...computeHelp,
  ],
  async run(args, terminal) {
    const model = modelPath(args);
    const output =
      text(args, "output") ?? fail("bad-request", "name the file to write with -o", "");
    const data = dataSpec(args);
    const units = await chosen(args, model, data, terminal);
    const engine = oneOf(args, "engine", ENGINES);
    const report = await pruneModel(
      cliPool(count(args, "processes")),
      {
        model,
        units,
        output: resolve(output),
        ...(data === undefined ? {} : { data }),
        ...(engine === undefined ? {} : { engine }),
      },
      terminal,
    );
    const { model: _written, ...facts } = report;
    return { json: { output, ...facts }, text: show(output, report) };
  },
};

/** The units that the flags name, or choose by importance. */
async function chosen(
  args: Arguments,
  model: string,
  data: DataSpec | undefined,
  terminal: Terminal,
): Promise<readonly UnitSet[]> {
  const named = list(args, "unit");
  const layer = text(args, "layer");
  const below = number(args, "below", (n) => n >= 0 && n <= 1, "a share from 0 to 1");
  const lowest = count(args, "count");
  const ways = [named.length > 0, below !== undefined, lowest !== undefined].filter(Boolean).length;
  if (ways !== 1)
    return fail(
      "bad-request",
      "choose units by one of --unit, --layer with --below, --layer with --count",
      "",
    );
  if (named.length > 0) return named.map(unit);
  if (layer === undefined) return fail("bad-request", "name the layer with --layer", "");
  if (data === undefined)
    return fail("bad-request", "importance needs data: name it with --data", "");
  const index = oneOf(args, "index", ["sigma", "gate", "scaled"]);
  const engine = oneOf(args, "engine", ENGINES);
  const result = await computeImportance(
    cliPool(count(args, "processes")),
    {
      model,
      data,
      layers: [layer],
      measures: ["sigma", "gate", "activity"],
      ...(index === undefined ? {} : { index }),
      ...(engine === undefined ? {} : { engine }),
    },
    terminal,
  );
  const found =
    result.layers[0] ??
    fail("cannot-prune", result.refused?.[0]?.because ?? "it has no importance", model, layer);
  const units = below === undefined ? unitsLowest(found, lowest!) : unitsBelow(found, below);
  if (units.length === 0)
    return fail(
      "cannot-prune",
      `no unit is below ${below} of the layer's largest importance`,
      model,
      layer,
    );
  return [{ layer, units }];
}

function unit(text: string): UnitSet {
  const slash = text.lastIndexOf("/");
  const number = Number(text.slice(slash + 1));
  if (slash <= 0 || !/^\d+$/.test(text.slice(slash + 1)))
    return fail("bad-request", `--unit ${text}: expected LAYER/UNIT, e.g. conv1/7`, "");
  return { layer: text.slice(0, slash), units: [number] };
}

function show(output: string, report: Omit<PruneReport, "undo">): string {
  const removed = report.removed.map(
    ({ layer, units }) => `${units.length} of ${layer} (${units.join(", ")})`,
  );
  const row = (name: string, { before, after }: BeforeAfter, show: (n: number) => string) =>
    `  ${name.padEnd(12)} ${show(before)} → ${show(after)}\n`;
  const whole = (n: number) => n.toLocaleString("en");
  const accuracy =
    report.accuracy === undefined ? "" : row("accuracy", report.accuracy, (n) => n.toFixed(4));
  return `${output}: removed ${removed.join(", ")}\n${accuracy}${row("parameters", report.parameters, whole)}${row("bytes", report.bytes, whole)}${row("MAC", report.macs, whole)}  outputs within ${report.maskedDifference} of the original with those units masked\n`;
}
