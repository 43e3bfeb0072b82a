import { defined } from "#core/defined.ts";
import { FEWEST_PROBES } from "#core/explain/importance/estimator.ts";
import { MEASURES } from "#core/explain/importance/statistics.ts";
import { fail } from "#core/problem.ts";
import { findings } from "#core/report/findings.ts";
import { redundantFindings, together } from "#core/report/redundant.ts";
import type { Finding } from "#protocol/views/finding.ts";
import type { Importance } from "#protocol/views/importance.ts";
import { computeImportance } from "../operations/importance.ts";
import { inspectModel } from "../operations/inspect.ts";
import { findRedundancy } from "../operations/redundancy.ts";
import { ENGINES } from "../runtime/engines.ts";
import { checkpointIn } from "../workspace/checkpoints.ts";
import { unchangedKey } from "../workspace/results.ts";
import { defaultStorage } from "../workspace/storage.ts";
import type { Arguments, Command } from "./command.ts";
import { failOn, failsOn } from "./failOn.ts";
import {
  computeFlags,
  computeHelp,
  count,
  dataFlags,
  dataHelp,
  dataSpec,
  modelPath,
  number,
  oneOf,
  text,
} from "./flags.ts";
import { cliPool } from "./pool.ts";
import { rankedTable } from "./rankedTable.ts";

export const importance: Command = {
  name: "importance",
  usage: "MODEL --data DATA",
  about: "ranks the units of every layer, and the inputs, by their importance on the data",
  flags: {
    ...dataFlags,
    ...computeFlags,
    outputs: { type: "string" },
    index: { type: "string" },
    layers: { type: "string" },
    output: { type: "string" },
    probes: { type: "string" },
    top: { type: "string" },
    seed: { type: "string" },
    "fail-on": { type: "string" },
    "low-importance": { type: "string" },
  },
  help: [
    ...dataHelp,
    ["--outputs probabilities|logits", "what is differentiated (default: probabilities)"],
    [
      "--index sigma|gate|scaled",
      "what ranks the units (default: gate for filters, scaled for dense units)",
    ],
    ["--layers A,B", "only these layers"],
    ["--output NAME", "which output of the model is explained (default: the first)"],
    [
      "--probes K|exact",
      "random sums of all outputs, K of them, instead of every output by itself (default: exact up to 64 outputs, else 32)",
    ],
    ["--top N", "units shown per layer (default: 5 first and last)"],
    ["--seed N", "of the probes (default: 1); the same seed gives the same result"],
    [
      "--low-importance S",
      "share of the layer's largest importance below which a unit is a finding (default: 0.05)",
    ],
    ["--fail-on hint|warning", "exit 1 when there are findings of this severity or worse"],
    ...computeHelp,
  ],
  async run(args, terminal) {
    const model = modelPath(args);
    const data = dataSpec(args) ?? fail("bad-request", "name the data with --data", "");
    const seed = number(args, "seed", Number.isInteger, "a whole number");
    const probes = probesOf(args);
    const output = text(args, "output");
    const started = performance.now();
    const outputs = oneOf(args, "outputs", ["probabilities", "logits"]);
    const index = oneOf(args, "index", ["sigma", "gate", "scaled"]);
    const engine = oneOf(args, "engine", ENGINES);
    const severity = failOn(args);
    const layers = text(args, "layers")?.split(",");
    const batch = count(args, "batch");
    const request = {
      model,
      data,
      measures: MEASURES,
      ...defined({ outputs, index, engine, layers, batch, probes, seed, output }),
    };
    const checkpoint = checkpointIn(defaultStorage(), await unchangedKey(request));
    const control = { signal: terminal.signal, progress: terminal.progress, checkpoint };
    const pool = cliPool(count(args, "processes"));
    const result = await computeImportance(pool, request, control);
    const lowImportance =
      number(args, "low-importance", (n) => n >= 0 && n <= 1, "a share from 0 to 1") ?? 0.05;
    const failed = await failsOn(severity, terminal, async () => {
      const view = await inspectModel(model);
      const exact = await findRedundancy(pool, model, { signal: terminal.signal });
      const measured = ({ layer }: Finding) => layers?.includes(layer) ?? true;
      return together(
        redundantFindings(view, exact, result, {}).filter(measured),
        findings(view, result, { lowImportance }),
      );
    });
    const seconds = (performance.now() - started) / 1000;
    if (result.note !== undefined) terminal.note(`note: ${result.note}`);
    return {
      json: { model, ...result, seconds },
      text: `${rankedTable(result, count(args, "top"))}${footer(result, seconds)}`,
      failed,
    };
  },
};

function probesOf(args: Arguments): number | "exact" | undefined {
  if (text(args, "probes") === "exact") return "exact";
  const valid = (n: number) => Number.isInteger(n) && n >= FEWEST_PROBES;
  return number(args, "probes", valid, `exact, or a whole number from ${FEWEST_PROBES} up`);
}

function footer({ samples, accuracy, engine, estimator }: Importance, seconds: number): string {
  const known = accuracy === undefined ? "" : `; accuracy ${accuracy.toFixed(4)}`;
  const by =
    estimator?.kind === "probes" ? `, ${estimator.probes} probes, seed ${estimator.seed}` : "";
  const ran = engine === undefined || engine === "onnxruntime" ? "" : `, ${engine}`;
  return `\n${samples.toLocaleString("en")} samples${known}; ${seconds.toFixed(2)} s${ran}${by}\n`;
}
