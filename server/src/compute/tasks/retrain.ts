import { NotDifferentiable } from "#core/autodiff/backward.ts";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { samplesLead } from "#core/explain/batch.ts";
import { typeOf } from "#core/explain/layers.ts";
import { readout } from "#core/explain/readout.ts";
import { WEIGHTS_ONLY, weightsOnly } from "#core/explain/weightLayers.ts";
import { bindBatch } from "#core/formats/batch.ts";
import { type Graph, topological } from "#core/ir/graph.ts";
import { fail } from "#core/problem.ts";
import { type LossKind, lossKind, NoLoss } from "#core/train/loss.ts";
import { NotTrainable } from "#core/train/parameters.ts";
import { holdOut } from "#core/train/source.ts";
import {
  type Best,
  type Ended,
  type Epoch,
  Trainer,
  type TrainingData,
  type TrainOptions,
} from "#core/train/trainer.ts";
import { readModel } from "../../files/openModel.ts";
import { type Engine, engine, engineName } from "../../runtime/engines.ts";
import type { Task } from "../task.ts";
import { trainingSource } from "../trainingSource.ts";

export interface RetrainParams extends TrainOptions {
  readonly model: string;
  readonly train: DataSpec;
  /** Other data, or the share of the training data that is held out. */
  readonly validation: DataSpec | number;
  /** Samples in one step. */
  readonly batch: number;
  readonly engine: Engine;
}

/** Where the training is; what is kept is the last. */
export interface RetrainState {
  readonly history: readonly Epoch[];
  /** Absent where it is that of the state before. */
  readonly best?: Best;
  readonly ended?: Ended;
}

export interface RetrainInfo {
  readonly loss: LossKind;
  /** Names of the tensors that are trained. */
  readonly parameters: readonly string[];
  readonly samples: { readonly train: number; readonly validation: number };
  readonly engine: string;
  /** The statistics of BatchNormalization stay as they are. */
  readonly frozenStatistics: boolean;
}

/** Trains a model: see core/train. A shard is some batches, in order. */
export const retrainTask: Task<RetrainParams, RetrainState, RetrainInfo> = {
  name: "retrain",
  alone: true,
  async open(params) {
    const graph = await boundForTraining(params.model, params.batch);
    const data = await dataOf(params, graph);
    const runtime = await engine(params.engine);
    const trainer = await named(params.model, () => Trainer.compile(runtime, graph, data, params));
    const { loss, parameters } = trainer;
    const run = trainer.run();
    const samples = trainer.ticks * params.batch;
    let sent: Best | undefined;
    return {
      samples,
      batch: params.batch,
      info: {
        loss,
        parameters,
        samples: { train: data.train.samples, validation: data.validation.samples },
        engine: engineName(runtime),
        frozenStatistics: topological(graph.outputs).some(
          (n) => typeOf(n) === "BatchNormalization",
        ),
      },
      async shard(from, to) {
        // The number of batches is an estimate where a part is held out: the last shard goes to the end.
        for (let at = from; at < to || to === samples; at += params.batch)
          if ((await run.next()).done === true) break;
        const { history, best, ended } = trainer;
        if (to === samples && best === undefined)
          fail("compute-failed", "its loss on the validation data is no number", params.model);
        const found = best === sent ? undefined : best;
        sent = best;
        return {
          history,
          ...defined({ best: found, ended }),
        };
      },
      async close() {
        await run.return(undefined);
        await trainer.release();
      },
    };
  },
  merge: (a, b) => ({ ...a, ...b }),
};

async function dataOf(params: RetrainParams, graph: Graph): Promise<TrainingData> {
  const facts = await named(params.model, () => ({
    outputs: readout(graph, "logits").count,
    loss: lossKind(graph),
  }));
  const train = await trainingSource(params.train, graph, facts);
  if (typeof params.validation === "number")
    return holdOut(train, params.validation, params.seed ?? 1);
  return { train, validation: await trainingSource(params.validation, graph, facts) };
}

/** The model with its constants as they are stored, bound to a batch. */
async function boundForTraining(path: string, batch: number): Promise<Graph> {
  const { graph } = await readModel(path);
  if (weightsOnly(graph)) return fail("unreadable-model", WEIGHTS_ONLY, path);
  const bind = (size: number): Graph => {
    const result = bindBatch(graph, size);
    if (result.kind === "bound") return result.graph;
    const message = `it does not take batches of ${size}: ${result.because}; train it in batches of 1`;
    return fail("unreadable-model", message, path, result.at);
  };
  const bound = bind(batch);
  for (const { node, shape } of bound.inputs)
    if (shape.some((d) => typeof d === "string"))
      fail(
        "unreadable-model",
        `its input ${node.name} is [${shape.join(", ")}]: export it with fixed lengths`,
        path,
      );
  if (batch > 1 && !samplesLead(bind(1), bind(2)))
    fail(
      "bad-request",
      "its samples do not stand side by side throughout; train it in batches of 1",
      path,
    );
  return bound;
}

/** What the model does not allow is a problem of the file. */
export async function named<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (
      error instanceof NotTrainable ||
      error instanceof NoLoss ||
      error instanceof NotDifferentiable
    )
      return fail("bad-request", `it cannot be trained: ${error.message}`, path);
    throw error;
  }
}
