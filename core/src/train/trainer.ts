import type { Graph } from "../ir/graph.ts";
import { known } from "../ir/tensor.ts";
import { type Random, random } from "../random.ts";
import type { Program, Runtime } from "../runtime/runtime.ts";
import { Blocks } from "./blocks.ts";
import type { LossKind } from "./loss.ts";
import { Machine, type Score } from "./machine.ts";
import { type OptimiserName, optimisers } from "./optimisers.ts";
import { NotTrainable, parametersOf, type Trainable } from "./parameters.ts";
import type { Rows } from "./rows.ts";
import { type Source, shuffled } from "./source.ts";
import { stepGraph } from "./step.ts";

export interface TrainOptions {
  readonly trainable: Trainable;
  /** Tensors among them that stay as they are. */
  readonly frozen?: readonly string[];
  /** "adam" when absent. */
  readonly optimiser?: OptimiserName;
  /** The optimiser's own when absent. */
  readonly rate?: number;
  readonly weightDecay?: number;
  /** 10 when absent. */
  readonly epochs?: number;
  /** Epochs without a better validation after which training ends; 3 when absent. */
  readonly patience?: number;
  /** Of the order of the samples; 1 when absent. */
  readonly seed?: number;
  /** Bytes that are kept of all features; 256 MiB when absent. */
  readonly memory?: number;
}

export interface TrainingData {
  readonly train: Source;
  /** Decides which weights are the best, and when to stop. */
  readonly validation: Source;
}

/** Means over the samples; without accuracy for a regression. */
export interface Quality {
  readonly loss: number;
  readonly accuracy?: number;
}

export interface Epoch {
  /** From 1 on; 0 is before training. */
  readonly epoch: number;
  /** While the parameters changed; absent before training. */
  readonly train?: Quality;
  readonly validation: Quality;
}

export interface Best extends Epoch {
  readonly weights: ReadonlyMap<string, Float32Array>;
}

/** Why training ended: "diverged" when the loss was no number any more. */
export type Ended = "epochs" | "patience" | "diverged";

const DEFAULTS = { epochs: 10, patience: 3, seed: 1, memory: 256 << 20 };

/**
 * Trains some parameters of a graph, and keeps those that were best on the validation data: by accuracy
 * and then by loss, or by loss alone for a regression. What is computed without the parameters is
 * computed once and kept as far as the memory goes. Each epoch goes through the samples in a new order:
 * all are shuffled where they are kept, else those that are in memory together, block by block. The same
 * seed gives the same weights, to the last bit, on one thread.
 */
export class Trainer {
  readonly loss: LossKind;
  /** Names of the tensors that are trained. */
  readonly parameters: readonly string[];
  readonly #machine: Machine;
  readonly #prefix: Program | undefined;
  readonly #train: Blocks;
  readonly #validation: Blocks;
  readonly #options: Required<Pick<TrainOptions, keyof typeof DEFAULTS>> & { rate: number };
  readonly #random: Random;
  readonly history: Epoch[] = [];
  #best: Best | undefined;
  #ended: Ended | undefined;

  private constructor(
    parts: { machine: Machine; prefix: Program | undefined; train: Blocks; validation: Blocks },
    facts: { loss: LossKind; parameters: readonly string[] },
    options: Required<Pick<TrainOptions, keyof typeof DEFAULTS>> & { rate: number },
  ) {
    this.#machine = parts.machine;
    this.#prefix = parts.prefix;
    this.#train = parts.train;
    this.#validation = parts.validation;
    this.loss = facts.loss;
    this.parameters = facts.parameters;
    this.#options = options;
    this.#random = random(options.seed);
  }

  /**
   * Throws NotTrainable, NoLoss and NotDifferentiable.
   * @param graph bound to the batch of a step, weights in memory, its constants as they are stored
   */
  static async compile(
    runtime: Runtime,
    graph: Graph,
    data: TrainingData,
    options: TrainOptions,
  ): Promise<Trainer> {
    const all = { ...DEFAULTS, ...given(options) };
    const optimiser = optimisers[options.optimiser ?? "adam"];
    const { weightDecay = 0 } = options;
    const { frozen = [] } = options;
    const trained = parametersOf(graph, options.trainable).filter((p) => !frozen.includes(p.name));
    const step = stepGraph(graph, trained, { optimiser, weightDecay });
    const { cut } = step;
    const features = cut.head.inputs.slice(0, cut.features);
    const [batch] = known(graph.inputs[0].shape);
    const loose = features.find((v) => v.shape[0] !== batch);
    if (loose !== undefined)
      throw new NotTrainable(
        `its samples do not lead the features [${loose.shape.join(", ")}] that those layers read`,
      );
    const prefix = cut.prefix && (await runtime.compile(cut.prefix));
    const machine = await Machine.compile(runtime, step, optimiser);
    const samples = data.train.samples + data.validation.samples;
    const blocks = (source: Source) =>
      new Blocks(
        source,
        { inputs: graph.inputs, features },
        prefix,
        (all.memory * source.samples) / samples,
      );
    return new Trainer(
      { machine, prefix, train: blocks(data.train), validation: blocks(data.validation) },
      { loss: step.loss, parameters: step.parameters.map((p) => p.name) },
      { ...all, rate: options.rate ?? optimiser.rate },
    );
  }

  /** The best so far; undefined until the graph as it is was validated. */
  get best(): Best | undefined {
    return this.#best;
  }

  get ended(): Ended | undefined {
    return this.#ended;
  }

  /** Batches that `run` goes through: how often it yields at most, near enough for progress. */
  get ticks(): number {
    const { epochs } = this.#options;
    const [train, validation] = [this.#train, this.#validation];
    const reads = (train.kept ? 1 : epochs) * train.batches;
    const validationReads = (validation.kept ? 1 : epochs + 1) * validation.batches;
    return reads + validationReads + epochs * train.batches + (epochs + 1) * validation.batches;
  }

  /** Trains; yields after every batch, so that whoever runs it can stop there. */
  async *run(): AsyncGenerator<void> {
    const { epochs, patience } = this.#options;
    if (!(yield* this.#validate(0, undefined))) {
      this.#ended = "diverged";
      return;
    }
    for (let epoch = 1; epoch <= epochs; epoch++) {
      const score = yield* this.#epoch();
      const valid = Number.isFinite(score.loss) && (yield* this.#validate(epoch, score));
      if (!valid) {
        this.#ended = "diverged";
        return;
      }
      if (epoch - this.#best!.epoch >= patience && epoch < epochs) {
        this.#ended = "patience";
        return;
      }
    }
    this.#ended = "epochs";
  }

  async release(): Promise<void> {
    await this.#machine.release();
    await this.#prefix?.release();
  }

  async *#epoch(): AsyncGenerator<void, Score> {
    const step = (rows: Rows, places: Uint32Array) =>
      this.#machine.step(rows, places, this.#options.rate);
    return yield* this.#over(this.#train, step, (rows) => shuffled(rows.count, this.#random));
  }

  /** Whether the loss is a number. */
  async *#validate(epoch: number, train: Score | undefined): AsyncGenerator<void, boolean> {
    const evaluate = (rows: Rows, places: Uint32Array) => this.#machine.evaluate(rows, places);
    const score = yield* this.#over(this.#validation, evaluate, (rows) =>
      Uint32Array.from({ length: rows.count }, (_, i) => i),
    );
    if (!Number.isFinite(score.loss)) return false;
    const found: Epoch = {
      epoch,
      ...(train === undefined ? {} : { train: this.#quality(train) }),
      validation: this.#quality(score),
    };
    this.history.push(found);
    if (better(found.validation, this.#best?.validation))
      this.#best = { ...found, weights: this.#machine.weights() };
    return true;
  }

  /** Goes through blocks batch by batch, in an order. */
  async *#over(
    blocks: Blocks,
    work: (rows: Rows, places: Uint32Array) => Promise<Score>,
    orderOf: (rows: Rows) => Uint32Array,
  ): AsyncGenerator<void, Score> {
    const { batch } = this.#machine;
    const sum = { samples: 0, loss: 0, correct: 0 };
    for await (const rows of blocks.pass()) {
      const order = rows === undefined ? new Uint32Array() : orderOf(rows);
      if (rows === undefined) yield;
      for (let from = 0; from < order.length; from += batch) {
        const score = await work(rows!, order.subarray(from, from + batch));
        sum.samples += score.samples;
        sum.loss += score.loss;
        sum.correct += score.correct;
        yield;
      }
    }
    return sum;
  }

  #quality({ samples, loss, correct }: Score): Quality {
    const mean = { loss: loss / samples };
    return this.loss === "squared" ? mean : { ...mean, accuracy: correct / samples };
  }
}

function better(a: Quality, b: Quality | undefined): boolean {
  if (b === undefined) return true;
  if (a.accuracy !== b.accuracy) return a.accuracy! > b.accuracy!;
  return a.loss < b.loss;
}

function given(options: TrainOptions): Partial<typeof DEFAULTS> {
  const entries = Object.keys(DEFAULTS).map((k) => [k, options[k as keyof typeof DEFAULTS]]);
  return Object.fromEntries(entries.filter(([, v]) => v !== undefined));
}

export interface Trained {
  readonly best: Best;
  readonly history: readonly Epoch[];
  readonly ended: Ended | "stopped";
}

/**
 * Trains the dense layers behind the features (or what `options.trainable` names) of any graph, also a
 * masked one. `stop` is asked after every batch; the best so far is the result.
 */
export async function trainHead(
  runtime: Runtime,
  graph: Graph,
  data: TrainingData,
  options: Partial<TrainOptions> = {},
  stop: () => boolean | Promise<boolean> = () => false,
): Promise<Trained> {
  const trainer = await Trainer.compile(runtime, graph, data, { trainable: "head", ...options });
  try {
    for await (const _ of trainer.run()) if (trainer.best !== undefined && (await stop())) break;
    const { best, history } = trainer;
    if (best === undefined) throw new NotTrainable("its loss on the validation data is no number");
    return { best, history, ended: trainer.ended ?? "stopped" };
  } finally {
    await trainer.release();
  }
}
