import { WEIGHTS_ONLY, weightsOnly } from "#core/explain/weightLayers.ts";
import type { Writing } from "#core/formats/edits.ts";
import type { Model } from "#core/formats/model.ts";
import { fail } from "#core/problem.ts";
import type { ExactOptions } from "#core/prune/exact/compensate.ts";
import { redundancy } from "#core/prune/exact/redundant.ts";
import { planPrune, type UnitSet } from "#core/prune/plan.ts";
import type { Redundancy } from "#protocol/views/redundancy.ts";
import { readModel, readModelOf } from "../../files/openModel.ts";
import type { Task } from "../task.ts";

/** New weights are rounded to 16 bits where they are stored so: not exact any more. */
export const exactOptions = ({ facts }: Pick<Model, "facts">): ExactOptions => ({
  writes: !facts.widened.some((name) => name === "float16" || name === "bfloat16"),
});

/** Units that can go exactly: reads all weights, no data. */
export const redundancyTask: Task<{ readonly model: string }, Redundancy, undefined> = {
  name: "redundancy",
  alone: true,
  async open({ model: path }) {
    const { model } = await readModelOf(path, true);
    // Nothing can go from a model of which a part is not known.
    const found = (): Redundancy =>
      model.partial || weightsOnly(model.graph)
        ? { layers: [] }
        : redundancy(model.graph, exactOptions(model));
    return {
      samples: 1,
      batch: 1,
      info: undefined,
      shard: async () => found(),
      close: async () => undefined,
    };
  },
  merge: (first) => first,
};

export interface CompensationParams {
  readonly model: string;
  readonly units: readonly UnitSet[];
}

/** The weights that take over what some units give, as far as that is exact; tells how they were planned. */
export const compensationTask: Task<CompensationParams, readonly Writing[], ExactOptions> = {
  name: "compensation",
  alone: true,
  async open({ model: path, units }) {
    const model = await readModel(path);
    if (weightsOnly(model.graph)) fail("cannot-prune", WEIGHTS_ONLY, path);
    const exact = exactOptions(model);
    const writings = (): readonly Writing[] => {
      const planned = planPrune(model.graph, units, exact);
      if ("refusal" in planned)
        return fail("cannot-prune", planned.refusal.because, path, planned.refusal.at);
      return planned.plan.edits.filter((e): e is Writing => "write" in e);
    };
    return {
      samples: 1,
      batch: 1,
      info: exact,
      shard: async () => writings(),
      close: async () => undefined,
    };
  },
  merge: (first) => first,
};
