import type { DataSpec } from "#core/data/spec.ts";
import { classifies } from "#core/explain/readout.ts";
import { fail } from "#core/problem.ts";
import { compileRetraining } from "#core/prune/curve/retrain.ts";
import { lossKind } from "#core/train/loss.ts";
import { type Engine, engine, engineName } from "../../runtime/engines.ts";
import { type MaskingParams, masking } from "../masking.ts";
import type { Task } from "../task.ts";
import { trainingSource } from "../trainingSource.ts";
import { named } from "./retrain.ts";

export interface RetrainedSetsParams extends MaskingParams {
  /** What accuracy is measured on. */
  readonly data: DataSpec;
  readonly train: DataSpec;
  readonly epochs: number;
  readonly seed: number;
  readonly engine: Engine;
}

export interface RetrainedSetsInfo {
  readonly engine: string;
  /** That accuracy is measured on. */
  readonly samples: number;
}

/** For sets in order: samples classified as labelled. */
export type RetrainedSetsCounts = readonly number[];

/** Trains the fully connected layers again without each set of units: a "sample" is a set here. */
export const retrainedSetsTask: Task<RetrainedSetsParams, RetrainedSetsCounts, RetrainedSetsInfo> =
  {
    name: "retrained sets",
    async open(params) {
      const { model, sets, epochs, seed } = params;
      const { graph, layout, plain, read } = await masking(params, 1);
      if (!classifies(read))
        fail("bad-request", "it has one output that is no class: there is no accuracy", model);
      const facts = { outputs: read.count, loss: await named(model, () => lossKind(plain)) };
      const train = await trainingSource(params.train, plain, facts);
      const test = await trainingSource(params.data, plain, facts);
      const runtime = await engine(params.engine);
      const run = await named(model, () =>
        compileRetraining(runtime, graph, layout, { train, test }, { epochs, seed }),
      );
      return {
        samples: sets.length,
        batch: 1,
        shardSize: 1,
        info: { engine: engineName(runtime), samples: test.samples },
        async shard(from, to) {
          const correct: number[] = [];
          for (let set = from; set < to; set++)
            correct.push(await named(model, () => run.correct(set)));
          return correct;
        },
        close: () => run.release(),
      };
    },
    merge: (a, b) => [...a, ...b],
  };
