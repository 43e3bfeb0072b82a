import { writeFile } from "node:fs/promises";
import { defined } from "#core/defined.ts";
import { fail } from "#core/problem.ts";
import { CRITERIA } from "#protocol/views/ranking.ts";
import { CURVE_DEFAULTS, type CurveRequest, ORDERS, removalCurve } from "../operations/curve.ts";
import { ENGINES } from "../runtime/engines.ts";
import type { Arguments, Command } from "./command.ts";
import { curveCsv, curveText } from "./curveTable.ts";
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

export const curve: Command = {
  name: "curve",
  usage: "MODEL --data DATA [--layer L … | --inputs] [--order O]",
  about: "accuracy against the number of units, or inputs, that are removed",
  flags: {
    ...dataFlags,
    ...computeFlags,
    layer: { type: "string", multiple: true },
    inputs: { type: "boolean" },
    order: { type: "string" },
    criterion: { type: "string" },
    index: { type: "string" },
    points: { type: "string" },
    seeds: { type: "string" },
    seed: { type: "string" },
    retrain: { type: "string" },
    "retrain-labels": { type: "string" },
    epochs: { type: "string" },
    csv: { type: "string" },
  },
  help: [
    ...dataHelp,
    ["--layer L", "units of this layer; may be repeated (default: all layers, ranked together)"],
    ["--inputs", "elements of the model's input instead of units"],
    [
      "--order ascending|descending|random|all",
      "what goes first: the smallest score, the largest, or any (default: all)",
    ],
    [`--criterion ${CRITERIA.join("|")}`, "what ranks the units (default: importance)"],
    [
      "--index sigma|gate|scaled",
      "of the importance (default: gate for filters, scaled for dense units)",
    ],
    ["--points N", `points of a series at most (default: ${CURVE_DEFAULTS.points})`],
    ["--seeds N", `random orders, averaged (default: ${CURVE_DEFAULTS.seeds})`],
    ["--seed N", "of the first of them (default: 1); the same seed gives the same result"],
    [
      "--retrain DATA",
      "a second series each: after every removal the fully connected layers are trained again on these data",
    ],
    ["--retrain-labels FILE", "their labels, when they are not in or beside them"],
    ["--epochs N", `of that training at most (default: ${CURVE_DEFAULTS.epochs})`],
    ["--csv FILE", "also writes the points as CSV"],
    ...computeHelp,
  ],
  async run(args, terminal) {
    const started = performance.now();
    const request = requestOf(args);
    const result = await removalCurve(cliPool(count(args, "processes")), request, terminal);
    const seconds = (performance.now() - started) / 1000;
    const csv = text(args, "csv");
    if (csv !== undefined) await writeFile(csv, curveCsv(result));
    return { json: { ...result, seconds }, text: curveText(result, seconds) };
  },
};

function requestOf(args: Arguments): CurveRequest {
  const data = dataSpec(args) ?? fail("bad-request", "name the data with --data", "");
  const layers = list(args, "layer") as readonly string[];
  const inputs = args.values.inputs === true;
  if (inputs && layers.length > 0) fail("bad-request", "choose one of --layer and --inputs", "");
  const order = oneOf(args, "order", [...ORDERS, "all"] as const);
  const criterion = oneOf(args, "criterion", CRITERIA);
  const index = oneOf(args, "index", ["sigma", "gate", "scaled"]);
  const engine = oneOf(args, "engine", ENGINES);
  const valid = (n: number) => Number.isInteger(n) && n >= 2;
  const points = number(args, "points", valid, "a whole number from 2 up");
  const seed = number(args, "seed", Number.isInteger, "a whole number");
  const [seeds, batch] = [count(args, "seeds"), count(args, "batch")];
  return {
    model: modelPath(args),
    data,
    removes: inputs ? "inputs" : "units",
    ...(layers.length === 0 ? {} : { layers }),
    ...(order === undefined || order === "all" ? {} : { orders: [order] }),
    ...defined({ criterion, index, engine, points, seeds, seed, batch }),
    ...retraining(args, data),
  };
}

/** Training data go through the same preprocessing. */
function retraining(
  args: Arguments,
  { preprocess }: CurveRequest["data"],
): Pick<CurveRequest, "retrain" | "epochs"> {
  const data = text(args, "retrain");
  if (data === undefined) return {};
  const labels = text(args, "retrain-labels");
  const epochs = count(args, "epochs");
  return {
    retrain: { data, preprocess, ...defined({ labels }) },
    ...defined({ epochs }),
  };
}
