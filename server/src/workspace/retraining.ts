import { basename } from "node:path";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { fail, ProblemError } from "#core/problem.ts";
import type { Retrained, RetrainParams } from "#protocol/requests.ts";
import type { Pool } from "../compute/pool.ts";
import { type RetrainControl, type RetrainReport, retrain } from "../operations/retrain.ts";
import type { Host } from "./host.ts";
import type { ModelConfig } from "./kaiboJson.ts";
import type { Models } from "./models.ts";
import type { Prunes } from "./prunes.ts";

interface Given {
  readonly models: Models;
  readonly prunes: Prunes;
  readonly pool: Pool;
  readonly host: Host;
}

/** Trains the models that are open further, in their place. */
export class Retraining {
  readonly #given: Given;

  constructor(given: Given) {
    this.#given = given;
  }

  /** Null where it was cancelled before the model got better. Rejects with ProblemError. */
  async retrain(params: RetrainParams, control: RetrainControl): Promise<Retrained | null> {
    const { models, prunes, pool, host } = this.#given;
    const { model, trainable, epochs } = params;
    const { config } = await models.get(model);
    const { engine } = await host.settings();
    const train = trainOf(params, config);
    const data = config?.data;
    const given = defined({ data });
    const request = { model, output: model, train, trainable, epochs, engine, ...given };
    try {
      const { result, undo } = await prunes.changing(model, () => retrain(pool, request, control));
      if (undo !== undefined) models.invalidate(model);
      return { ...facts(result, data), ...defined({ undo }) };
    } catch (error) {
      if (error instanceof ProblemError && error.problem.code === "cancelled") return null;
      throw error;
    }
  }
}

function facts(
  { accuracy, validation, best, ended }: RetrainReport,
  data: DataSpec | undefined,
): Omit<Retrained, "undo"> {
  const { before, after } = validation;
  const heldOut =
    before.accuracy === undefined || after.accuracy === undefined
      ? undefined
      : { before: before.accuracy, after: after.accuracy };
  const found = accuracy ?? heldOut;
  return {
    ...defined({ accuracy: found }),
    loss: { before: before.loss, after: after.loss },
    ...(accuracy === undefined || data === undefined ? {} : { data: basename(data.data) }),
    epoch: best,
    cancelled: ended === "cancelled",
  };
}

/** What the model learns from, prepared as its data are. */
function trainOf({ model, train }: RetrainParams, config: ModelConfig | undefined): DataSpec {
  if (train === undefined)
    return (
      config?.train ??
      fail(
        "bad-request",
        `there is no training data for this model; name it as "train" in kaibo.json`,
        model,
      )
    );
  const known = config?.data ?? config?.train;
  if (known === undefined)
    return fail(
      "bad-request",
      "there is no data for this model; name it in kaibo.json, which says how samples are prepared",
      model,
    );
  return { data: train, preprocess: known.preprocess };
}
