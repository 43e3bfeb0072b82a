import type { DataSpec } from "#core/data/spec.ts";
import { WEIGHTS_ONLY, weightsOnly } from "#core/explain/weightLayers.ts";
import type { Graph } from "#core/ir/graph.ts";
import { fail, ProblemError, problem } from "#core/problem.ts";
import { unitGroups, unitWidths } from "#core/prune/coupling/groups.ts";
import { Structure } from "#core/prune/coupling/structure.ts";
import { rankGroups, rankRandomly } from "#core/prune/ranking/rank.ts";
import type { ImportanceIndex } from "#protocol/views/importance.ts";
import type { Criterion, UnitRanking } from "#protocol/views/ranking.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { openModel } from "../files/openModel.ts";
import type { Engine } from "../runtime/engines.ts";
import { unitScores } from "./scores.ts";

export interface RankRequest {
  readonly model: string;
  /** What `importance`, `gradient`, `taylor` (with labels) and `activation` are measured on. */
  readonly data?: DataSpec;
  readonly criterion: Criterion;
  readonly scope: UnitRanking["scope"];
  /** Layers whose units are ranked, with all that is coupled with them; all when absent. */
  readonly layers?: readonly string[];
  readonly engine?: Engine;
  readonly batch?: number;
  /** Of the random order, and of probes. */
  readonly seed?: number;
  /** Of the criterion `importance`. */
  readonly index?: ImportanceIndex;
}

/** Groups of coupled units, those that matter least first. Rejects with ProblemError. */
export async function rankUnits(
  pool: Pool,
  request: RankRequest,
  control: Control = {},
): Promise<UnitRanking> {
  const { model, criterion, scope, layers, seed = 1 } = request;
  const graph = await graphOf(model);
  if (weightsOnly(graph)) fail("cannot-prune", WEIGHTS_ONLY, model);
  known(graph, request);
  const { groups, fixed, apart } = unitGroups(graph, layers);
  if (criterion === "random") return rankRandomly(groups, fixed, { scope, seed, apart });
  const involved = new Set(groups.flatMap((g) => g.members.map((m) => m.layer)));
  if (involved.size === 0) return { criterion, scope, groups: [], fixed };
  const { scores, unscored } = await unitScores(
    pool,
    { ...request, layers: [...involved] },
    control,
  );
  return rankGroups(groups, fixed, scores, { criterion, scope, apart, unscored });
}

/** Units of every layer of a model file, by name. Rejects with ProblemError. */
export const layerWidths = async (model: string): Promise<ReadonlyMap<string, number>> =>
  unitWidths(await graphOf(model));

function known(graph: Graph, { model, layers = [] }: RankRequest): void {
  const names = [...Structure.of(graph).layers.keys()];
  const unknown = layers.find((name) => !names.includes(name));
  if (unknown !== undefined)
    fail("bad-request", `there is no layer ${unknown}; there are ${names.join(", ")}`, model);
}

/** Weights are not read. */
async function graphOf(path: string): Promise<Graph> {
  const opened = await openModel(path);
  await opened.close();
  if (opened.model !== undefined) return opened.model.graph;
  throw new ProblemError(
    opened.problems[0] ?? problem("unreadable-model", "it holds no graph", path),
  );
}
