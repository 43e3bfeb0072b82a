import { resolve } from "node:path";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { fail } from "#core/problem.ts";
import { OPTIMISERS } from "#core/train/optimisers.ts";
import type { Trainable } from "#core/train/parameters.ts";
import type { Epoch, Quality } from "#core/train/trainer.ts";
import { type RetrainReport, retrain as retrainModel } from "../operations/retrain.ts";
import { ENGINES } from "../runtime/engines.ts";
import type { Arguments, Command } from "./command.ts";
import { count, dataFlags, dataHelp, modelPath, number, oneOf, preprocess, text } from "./flags.ts";
import { cliPool } from "./pool.ts";

const SHARE = 0.1;

export const retrain: Command = {
  name: "retrain",
  usage: "MODEL --train DATA [--validation DATA|SHARE] [--layers head|all|A,B] -o OUT",
  about: "trains a model further, and writes the weights that were best on the validation data",
  flags: {
    ...dataFlags,
    engine: { type: "string" },
    train: { type: "string" },
    validation: { type: "string" },
    layers: { type: "string" },
    epochs: { type: "string" },
    optimiser: { type: "string" },
    rate: { type: "string" },
    "batch-size": { type: "string" },
    "weight-decay": { type: "string" },
    patience: { type: "string" },
    seed: { type: "string" },
    output: { type: "string", short: "o" },
  },
  help: [
    ["--train DATA", "labelled data to train on; --labels and --limit are for it"],
    [
      "--validation DATA|SHARE",
      `other data, or the share of it that is held out (default: ${SHARE})`,
    ],
    [
      "--layers head|all|A,B",
      "what is trained: the fully connected layers behind the features (default), all, or some",
    ],
    ["--epochs N", "times through the data at most (default: 10)"],
    ["--optimiser sgd|momentum|adam", "as PyTorch has them (default: adam)"],
    ["--rate R", "learning rate (default: 0.001 for adam, 0.01 for the others)"],
    ["--batch-size N", "samples in one step (default: 64)"],
    ["--weight-decay W", "added to the gradient: W times the weight (default: 0)"],
    ["--patience N", "epochs without a better validation before it ends (default: 3)"],
    ["--seed S", "of the order of the samples, and of what is held out (default: 1)"],
    ["-o OUT", "the file to write"],
    ["--engine onnxruntime|tfjs", "what runs the graphs (default: onnxruntime)"],
    ...dataHelp.map(([flag, meaning]) =>
      flag === "--data DATA"
        ? ([flag, "data to measure the accuracy on, before and after"] as const)
        : ([flag, meaning] as const),
    ),
  ],
  async run(args, terminal) {
    const model = modelPath(args);
    const output =
      text(args, "output") ?? fail("bad-request", "name the file to write with -o", "");
    const train = trainSpec(args);
    const data = text(args, "data");
    const validation = validationOf(args);
    const numbers = {
      rate: number(args, "rate", (n) => n > 0, "a number above 0"),
      weightDecay: number(args, "weight-decay", (n) => n >= 0, "a number from 0 on"),
      epochs: count(args, "epochs"),
      patience: count(args, "patience"),
      batch: count(args, "batch-size"),
      seed: number(args, "seed", Number.isInteger, "a whole number"),
      optimiser: oneOf(args, "optimiser", OPTIMISERS),
      engine: oneOf(args, "engine", ENGINES),
    };
    const report = await retrainModel(
      cliPool(1),
      {
        model,
        output: resolve(output),
        train,
        validation,
        trainable: layersOf(args),
        ...(data === undefined ? {} : { data: { data, preprocess: preprocess(args) } }),
        ...defined(numbers),
      },
      {
        signal: terminal.signal,
        progress: (done, total, left) => terminal.progress(done, total, left),
        epoch: (epoch) => terminal.note(line(epoch)),
      },
    );
    const facts = { ...report, output };
    if (report.ended === "cancelled")
      terminal.note(`cancelled: the best so far, of epoch ${report.best}, was written`);
    return { json: facts, text: show(facts) };
  },
};

function trainSpec(args: Arguments): DataSpec {
  const data =
    text(args, "train") ?? fail("bad-request", "name the data to train on with --train", "");
  const labels = text(args, "labels");
  const limit = count(args, "limit");
  return {
    data,
    preprocess: preprocess(args),
    ...defined({ labels, limit }),
  };
}

function validationOf(args: Arguments): DataSpec | number {
  const given = text(args, "validation");
  if (given === undefined) return SHARE;
  const share = Number(given);
  if (given.trim() === "" || Number.isNaN(share))
    return { data: given, preprocess: preprocess(args) };
  if (share > 0 && share < 1) return share;
  return fail(
    "bad-request",
    `--validation ${given}: expected data, or a share between 0 and 1`,
    "",
  );
}

function layersOf(args: Arguments): Trainable {
  const given = text(args, "layers") ?? "head";
  if (given === "head" || given === "all") return given;
  return given.split(",").map((name) => name.trim());
}

const quality = ({ loss, accuracy }: Quality): string =>
  `loss ${loss.toPrecision(4)}${accuracy === undefined ? "" : `, accuracy ${accuracy.toFixed(4)}`}`;

const line = ({ epoch, train, validation }: Epoch): string =>
  `epoch ${epoch}: ${train === undefined ? "" : `${quality(train)}; `}validation ${quality(validation)}`;

const ENDED = {
  epochs: "all epochs are done",
  patience: "the validation became no better",
  diverged: "the loss was no number any more: a lower --rate may help",
  cancelled: "cancelled",
} as const;

function show(report: RetrainReport): string {
  const { output, validation, accuracy, best, ended, parameters, difference, note } = report;
  const written = best === 0 ? "no epoch was better than the model as it was" : `epoch ${best}`;
  const measured =
    accuracy === undefined
      ? ""
      : `  accuracy     ${accuracy.before.toFixed(4)} → ${accuracy.after.toFixed(4)}\n`;
  const noted = note === undefined ? "" : `  note: ${note}\n`;
  return `${output}: ${written}; ${ENDED[ended]}
${measured}  validation   ${quality(validation.before)} → ${quality(validation.after)}
  trained      ${parameters.join(", ")}
  outputs within ${difference} of the trained graph
${noted}`;
}
