import { defined } from "#core/defined.ts";
import type { Scores } from "#core/explain/criteria/bnScale.ts";
import { finish } from "#core/explain/importance/finish.ts";
import { fail } from "#core/problem.ts";
import type { Importance, LayerImportance } from "#protocol/views/importance.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { activationTask } from "../compute/tasks/activation.ts";
import { scalesTask } from "../compute/tasks/scales.ts";
import { taylorTask } from "../compute/tasks/taylor.ts";
import { computeImportance, type ImportanceRequest, weightImportance } from "./importance.ts";
import type { RankRequest } from "./rank.ts";

/** A request for the scores of some layers. */
export type ScoreRequest = RankRequest & { readonly layers: readonly string[] };

/** One number per unit of each layer, higher matters more, by any criterion but `random`. */
export function unitScores(
  pool: Pool,
  request: ScoreRequest,
  control: Control = {},
): Promise<Scores> {
  switch (request.criterion) {
    case "importance":
      return measured(pool, request, ["sigma", "gate", "activity"], (l) => l.importance, control);
    case "gradient":
      // Above 64 outputs there are probes, which leave the root mean square in place of mean |∂y/∂a|.
      return measured(pool, request, ["sigma", "meanAbs"], gradient, control);
    case "activation":
      return activation(pool, request, control);
    case "taylor":
      return taylor(pool, request, control);
    case "weight-norm":
      return weightNorms(pool, request, control);
    case "bn-scale":
      return scales(pool, request, control);
    default:
      throw new Error(`${request.criterion} has no scores`);
  }
}

const gradient = ({ meanAbs, meanSquare }: LayerImportance): readonly number[] =>
  meanAbs.length > 0 ? meanAbs : meanSquare.map(Math.sqrt);

async function measured(
  pool: Pool,
  request: ScoreRequest,
  measures: NonNullable<ImportanceRequest["measures"]>,
  score: (layer: LayerImportance) => readonly number[],
  control: Control,
): Promise<Scores> {
  const { model, layers, index, engine, batch, seed } = request;
  const found = await computeImportance(
    pool,
    {
      model,
      data: dataOf(request),
      layers,
      measures,
      ...defined({ index, engine, batch, seed }),
    },
    control,
  );
  // The spread of activations stands in where a measure is refused: it is no score of this kind.
  const scored = found.layers.filter((l) => l.index !== "activation");
  return scoresOf({ ...found, layers: scored }, score);
}

function scoresOf(
  { layers, refused = [] }: Importance,
  score: (layer: LayerImportance) => readonly number[],
): Scores {
  const scores = new Map(layers.map((l) => [l.name, score(l)]));
  for (const [layer, values] of scores) if (values.length === 0) scores.delete(layer);
  return { scores, unscored: new Map(refused.map((r) => [r.layer, r.because])) };
}

/** std over samples and positions. */
async function activation(pool: Pool, request: ScoreRequest, control: Control): Promise<Scores> {
  const { partial, info } = await pool.run(activationTask, dataParams(request), control);
  const estimator = { kind: "exact" } as const;
  const options = { data: "", outputs: "probabilities", estimator, refusals: [] } as const;
  return scoresOf(finish(partial, info.targets, 0, options), (l) => l.deviation);
}

async function taylor(pool: Pool, request: ScoreRequest, control: Control): Promise<Scores> {
  const { partial, info } = await pool.run(taylorTask, dataParams(request), control);
  return {
    scores: new Map(
      info.targets.map((t, k) => [
        t.layer,
        Array.from(partial.sums[k]!, (sum) => sum / partial.samples),
      ]),
    ),
    unscored: new Map(info.refusals.map((r) => [r.layer, r.because])),
  };
}

async function weightNorms(pool: Pool, { model }: ScoreRequest, control: Control): Promise<Scores> {
  const found = await weightImportance(pool, model, control);
  const stored = (l: LayerImportance) => (l.importance.some((n) => n > 0) ? l.importance : []);
  const { scores } = scoresOf(found, stored);
  const without = found.layers.filter((l) => !scores.has(l.name));
  const because = "its weights are computed, not stored, or all 0";
  return { scores, unscored: new Map(without.map((l) => [l.name, because])) };
}

async function scales(pool: Pool, { model }: ScoreRequest, control: Control): Promise<Scores> {
  return (await pool.run(scalesTask, { model }, control)).partial;
}

function dataParams(request: ScoreRequest) {
  const { model, layers, engine = "onnxruntime", batch } = request;
  const data = dataOf(request);
  return { model, data, layers, engine, ...defined({ batch }) };
}

const dataOf = ({ data, criterion }: ScoreRequest) =>
  data ?? fail("bad-request", `${criterion} needs data: name it with --data`, "");
