import { basename } from "node:path";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { fail } from "#core/problem.ts";
import type {
  CurveQuestion,
  ModelFacts,
  RemovalCurveAnswer,
  RemovalCurveParams,
  Settings,
} from "#protocol/requests.ts";
import type { RemovalCurve } from "#protocol/views/curve.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { removalCurve } from "../operations/curve.ts";
import type { Host } from "./host.ts";
import type { Models } from "./models.ts";
import { dataHashes } from "./results.ts";
import type { Snapshot } from "./snapshot.ts";
import { resultKey, type Storage } from "./storage.ts";

interface Given {
  readonly models: Models;
  readonly pool: Pool;
  readonly storage: Storage;
  readonly host: Host;
}

/** Removal curves of the models that are open, each computed once. */
export class Curves {
  readonly #given: Given;

  constructor(given: Given) {
    this.#given = given;
  }

  /** What there is to ask about. Rejects with ProblemError when there is no such file. */
  async facts(model: string): Promise<ModelFacts> {
    const { models, host } = this.#given;
    const { revision, view, config } = await models.get(model);
    const { accuracyGuard } = await host.settings();
    return {
      name: view.name,
      revision,
      layers: view.layers.map(({ name, units, output, fixed }) => ({
        name,
        units,
        prunable: !output && fixed === undefined && units > 1,
      })),
      accuracyGuard: config?.accuracyGuard ?? accuracyGuard,
      ...(config?.data === undefined ? {} : { data: basename(config.data.data) }),
      ...(config?.train === undefined ? {} : { train: basename(config.train.data) }),
    };
  }

  /** Null where only stored answers count and there is none. Rejects with ProblemError. */
  async curve(
    { model, question, stored }: Pick<RemovalCurveParams, "model" | "question" | "stored">,
    control: Control,
  ): Promise<RemovalCurveAnswer | null> {
    const { models, pool, storage, host } = this.#given;
    const snapshot = await models.get(model);
    const { engine, sampleLimit } = await host.settings();
    const asked = { ...dataOf(snapshot, question, sampleLimit), question, engine };
    const { revision } = snapshot;
    // The name of the answer is taken first: data that change meanwhile ask again.
    const key = await keyOf(revision, asked);
    const unstored = (error: Error) => {
      host.log(`the storage of results does not work: ${error.message}`);
      return undefined;
    };
    const known = (await storage.result(key).catch(unstored)) as RemovalCurve | undefined;
    if (known !== undefined) return { curve: known, revision };
    if (stored) return null;
    const { data, retrain } = asked;
    const { removes, layers, criterion, orders } = question;
    const curve = await removalCurve(
      pool,
      {
        model,
        data,
        criterion,
        removes,
        orders,
        engine,
        ...(layers.length === 0 ? {} : { layers }),
        ...defined({ retrain }),
      },
      control,
    );
    await storage.storeResult(key, curve).catch(unstored);
    return { curve, revision };
  }
}

interface Asked {
  readonly question: CurveQuestion;
  readonly engine: Settings["engine"];
  readonly data: DataSpec;
  readonly retrain?: DataSpec;
}

function dataOf(
  snapshot: Snapshot,
  question: CurveQuestion,
  sampleLimit: number,
): Pick<Asked, "data" | "retrain"> {
  const { path, config: { train } = {} } = snapshot;
  const data = limitedData(snapshot, sampleLimit);
  if (!question.retrain) return { data };
  if (train === undefined)
    return fail(
      "bad-request",
      `there is no training data for this model; name it as "train" in kaibo.json`,
      path,
    );
  return { data, retrain: train };
}

/** The model's data, of as many samples as the settings say (0: all). Throws ProblemError where there are none. */
export function limitedData({ path, config }: Snapshot, sampleLimit: number): DataSpec {
  const data =
    config?.data ??
    fail("bad-request", "there is no data for this model; name it in kaibo.json", path);
  return sampleLimit > 0 ? { ...data, limit: sampleLimit } : data;
}

async function keyOf(revision: string, asked: Asked): Promise<string> {
  const { data, retrain } = asked;
  const hashes = await dataHashes(data);
  const trained = retrain === undefined ? [] : await dataHashes(retrain);
  return resultKey({ task: "removal-curve", revision, asked, hashes, trained });
}
