import { resolve } from "node:path";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { fail } from "#core/problem.ts";
import { OPTIMISERS } from "#core/train/optimisers.ts";
import { CRITERIA } from "#protocol/views/ranking.ts";
import { type SmallestRequest, smallest as smallestModel } from "../operations/smallest.ts";
import { SMALLEST_DEFAULTS } from "../operations/smallestSearch.ts";
import { ENGINES } from "../runtime/engines.ts";
import type { Arguments, Command } from "./command.ts";
import {
  count,
  dataFlags,
  dataHelp,
  dataSpec,
  list,
  modelPath,
  number,
  oneOf,
  preprocess,
  text,
} from "./flags.ts";
import { cliPool } from "./pool.ts";
import { smallestText, tryLine } from "./smallestTable.ts";

export const smallest: Command = {
  name: "smallest",
  usage: "MODEL --data DATA --train DATA [--keep SHARE] [--absolute] [--layer L …] -o OUT",
  about: "looks for the smallest network that keeps the accuracy: prunes, trains, and prunes again",
  flags: {
    ...dataFlags,
    engine: { type: "string" },
    processes: { type: "string" },
    train: { type: "string" },
    "train-labels": { type: "string" },
    "train-limit": { type: "string" },
    keep: { type: "string" },
    absolute: { type: "boolean" },
    layer: { type: "string", multiple: true },
    criterion: { type: "string" },
    index: { type: "string" },
    tries: { type: "string" },
    retrain: { type: "string" },
    epochs: { type: "string" },
    optimiser: { type: "string" },
    rate: { type: "string" },
    "batch-size": { type: "string" },
    seed: { type: "string" },
    output: { type: "string", short: "o" },
  },
  help: [
    ["--train DATA", "labelled data to train on, and to rank units on (1,000 samples)"],
    ["--train-labels FILE", "their labels, when they are not in or beside them"],
    ["--train-limit N", "only N of their samples, as --limit"],
    ["--keep SHARE", "of the accuracy on --data that must be kept (default: 0.98)"],
    ["--absolute", "--keep is the accuracy itself"],
    ["--layer LAYER", "a layer that loses units; may be repeated (default: all layers)"],
    [`--criterion ${CRITERIA.join("|")}`, "what ranks the units (default: importance)"],
    [
      "--index sigma|gate|scaled",
      "what importance ranks by (default: gate for filters, scaled for dense units)",
    ],
    ["--tries N", `models that are made and trained at most (default: ${SMALLEST_DEFAULTS.tries})`],
    [
      "--retrain all|head",
      "what is trained after each cut: all weights (default), or the fully connected layers behind the features",
    ],
    ["--epochs N", `of each training at most (default: ${SMALLEST_DEFAULTS.epochs})`],
    ["--optimiser sgd|momentum|adam", "as PyTorch has them (default: adam)"],
    ["--rate R", "learning rate (default: 0.001 for adam, 0.01 for the others)"],
    ["--batch-size N", "samples in one training step (default: 64)"],
    ["--seed S", "of training and of random orders (default: 1); the same gives the same model"],
    ["-o OUT", "the file to write"],
    ["--engine onnxruntime|tfjs", "what runs the graphs (default: onnxruntime)"],
    ["--processes N", "compute processes (default: one per core)"],
    ...dataHelp,
  ],
  async run(args, terminal) {
    const { output, ...request } = requestOf(args);
    const report = await smallestModel(
      cliPool(count(args, "processes")),
      { ...request, output: resolve(output) },
      {
        signal: terminal.signal,
        progress: (done, total, left) => terminal.progress(done, total, left),
        tried: (made) => terminal.note(tryLine(made)),
      },
    );
    const facts = { ...report, output };
    return { json: facts, text: smallestText(facts) };
  },
};

function requestOf(args: Arguments): SmallestRequest {
  const data = dataSpec(args) ?? fail("bad-request", "name the data with --data", "");
  const layers = list(args, "layer");
  const criterion = oneOf(args, "criterion", CRITERIA);
  const index = oneOf(args, "index", ["sigma", "gate", "scaled"]);
  const engine = oneOf(args, "engine", ENGINES);
  const [tries, batch, epochs] = ["tries", "batch-size", "epochs"].map((f) => count(args, f));
  const optimiser = oneOf(args, "optimiser", OPTIMISERS);
  const rate = number(args, "rate", (n) => n > 0, "a number above 0");
  const seed = number(args, "seed", Number.isInteger, "a whole number");
  const isShare = (n: number) => n > 0 && n <= 1;
  return {
    model: modelPath(args),
    output: text(args, "output") ?? fail("bad-request", "name the file to write with -o", ""),
    data,
    train: trainSpec(args),
    keep: number(args, "keep", isShare, "a share above 0, up to 1") ?? 0.98,
    absolute: args.values.absolute === true,
    training: {
      trainable: oneOf<"all" | "head">(args, "retrain", ["all", "head"]) ?? "all",
      ...defined({ epochs, optimiser, rate, seed }),
    },
    ...(layers.length === 0 ? {} : { layers }),
    ...defined({ criterion, index, tries, batch, engine }),
  };
}

/** Training data go through the same preprocessing. */
function trainSpec(args: Arguments): DataSpec {
  const data =
    text(args, "train") ?? fail("bad-request", "name the data to train on with --train", "");
  const labels = text(args, "train-labels");
  const limit = count(args, "train-limit");
  return {
    data,
    preprocess: preprocess(args),
    ...defined({ labels, limit }),
  };
}
