import { batchNormScales, type Scores } from "#core/explain/criteria/bnScale.ts";
import { readModel } from "../../files/openModel.ts";
import type { Task } from "../task.ts";

/** The scales of BatchNormalization: reads the weights, so it is not the server's own work. */
export const scalesTask: Task<{ readonly model: string }, Scores, undefined> = {
  name: "scales",
  alone: true,
  async open({ model }) {
    const { graph } = await readModel(model);
    return {
      samples: 1,
      batch: 1,
      info: undefined,
      shard: async () => batchNormScales(graph),
      close: async () => undefined,
    };
  },
  merge: (first) => first,
};
