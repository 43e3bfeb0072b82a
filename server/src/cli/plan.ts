import { resolve } from "node:path";
import { defined } from "#core/defined.ts";
import type { UnitSet } from "#core/prune/plan.ts";
import type { PruneCost } from "#protocol/views/cost.ts";
import { pruneCost } from "../operations/cost.ts";
import { type MadePlan, makePlan, writePlanFile } from "../operations/planFile.ts";
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

export const plan: Command = {
  name: "plan",
  usage:
    "MODEL [--data DATA] (--unit L/U … | --plan FILE | --below S | --count N | --amount S) [-o PLAN.json]",
  about:
    "says what a prune would remove, coupled units with it, and writes that as a plan; the model stays",
  flags: {
    ...dataFlags,
    ...computeFlags,
    ...selectionFlags,
    twin: { type: "string" },
    output: { type: "string", short: "o" },
    "no-measure": { type: "boolean" },
  },
  help: [
    ...selectionHelp,
    ["--twin FILE", "the module's state_dict as .safetensors: the plan names its tensors"],
    ["--no-measure", "only what the structure tells: no accuracy, no latency"],
    ["-o PLAN.json", "the plan to write (name.kaibo-plan.json is checked while you edit it)"],
    ...dataHelp,
    ...computeHelp,
  ],
  async run(args, terminal) {
    const model = modelPath(args);
    const output = text(args, "output");
    const twin = text(args, "twin");
    const data = dataSpec(args);
    const asked = await selection(args, model, data, terminal);
    const given = twin === undefined ? {} : { twin: resolve(twin) };
    const made = await makePlan({ model, units: asked, ...given });
    const { plan: found } = made;
    const engine = oneOf(args, "engine", ENGINES);
    const cost: PruneCost =
      args.values["no-measure"] === true
        ? { removed: asked, ...made.cost }
        : await pruneCost(
            cliPool(count(args, "processes")),
            {
              model,
              units: asked,
              ...defined({ data, engine }),
            },
            terminal,
          );
    const { removed: _units, ...figures } = cost;
    const file = { ...found, cost: figures };
    if (output !== undefined) await writePlanFile(resolve(output), file);
    return {
      json: { model, ...defined({ output }), plan: file },
      text: show(made, asked, cost, output),
    };
  },
};

function show(
  { plan: { units = [] } }: MadePlan,
  asked: readonly UnitSet[],
  cost: PruneCost,
  output?: string,
): string {
  const named = new Map<string, Set<number>>();
  for (const { layer, units: own } of asked)
    named.set(layer, new Set([...(named.get(layer) ?? []), ...own]));
  const width = Math.max(...units.map((u) => u.layer.length));
  const rows = units.map(({ layer, units: own, of = 0 }) => {
    const coupled = own.filter((u) => !named.get(layer)?.has(u)).length;
    const along =
      coupled === 0 ? "" : coupled === own.length ? ", coupled" : `, ${coupled} of them coupled`;
    return `  ${layer.padEnd(width)}  ${of} → ${of - own.length}  without ${own.join(", ")}${along}\n`;
  });
  const written = output === undefined ? "" : `${output}: written\n`;
  return `${rows.join("")}${costLines(cost)}${written}`;
}
