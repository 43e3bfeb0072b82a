import { weightNorms } from "#core/explain/weightNorms.ts";
import type { Importance } from "#protocol/views/importance.ts";
import { readModelOf } from "../../files/openModel.ts";
import type { Task } from "../task.ts";

/** The weights' norms: reads the whole file, so it is not the server's own work either. */
export const weightsTask: Task<{ readonly model: string }, Importance, undefined> = {
  name: "weights",
  alone: true,
  async open({ model }) {
    const { graph, ownOutputs } = (await readModelOf(model, true)).model;
    return {
      samples: 1,
      batch: 1,
      info: undefined,
      shard: async () => weightNorms(graph, ownOutputs),
      close: async () => undefined,
    };
  },
  merge: (first) => first,
};
