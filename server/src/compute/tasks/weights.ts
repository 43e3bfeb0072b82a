import { weightNorms } from "#core/explain/weightNorms.ts";
import type { Importance } from "#protocol/views/importance.ts";
import { readModel } from "../../files/openModel.ts";
import type { Task } from "../task.ts";

/** The weights' norms: reads the whole file, so it is not the server's own work either. */
export const weightsTask: Task<{ readonly model: string }, Importance, undefined> = {
  name: "weights",
  alone: true,
  async open({ model }) {
    const { graph } = await readModel(model);
    return {
      samples: 1,
      batch: 1,
      info: undefined,
      shard: async () => weightNorms(graph),
      close: async () => undefined,
    };
  },
  merge: (first) => first,
};
