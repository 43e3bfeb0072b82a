import type { DataSpec } from "#core/data/spec.ts";
import type { Feed } from "#core/explain/importance/compute.ts";
import { classifies } from "#core/explain/readout.ts";
import { addCounts, compileMasked, type MaskedCounts } from "#core/prune/curve/evaluate.ts";
import { type Engine, engine, engineName } from "../../runtime/engines.ts";
import { openInputs } from "../inputs.ts";
import { type MaskingParams, masking } from "../masking.ts";
import type { Task } from "../task.ts";

export interface MaskedParams extends MaskingParams {
  readonly data: DataSpec;
  readonly engine: Engine;
}

export interface MaskedInfo {
  /** What ran the model, with its backend. */
  readonly engine: string;
}

/** How many samples the model classifies as labelled without each set of units. */
export const maskedTask: Task<MaskedParams, MaskedCounts, MaskedInfo> = {
  name: "masked",
  async open(params) {
    const { graph, batch, macs, layout, plain, read } = await masking(params);
    const inputs = await openInputs(params.data, plain, batch, read.count);
    const runtime = await engine(params.engine);
    const run = await compileMasked(runtime, graph, layout);
    return {
      samples: inputs.samples,
      batch,
      // The graph holds each form of the model once, and each runs for a share of the sets.
      shardSize: SHARD_MACS / Math.max(1, (macs * params.sets.length) / (1 + layout.forms.length)),
      info: { engine: engineName(runtime) },
      // Of outputs that are no classes nothing is right or wrong.
      shard: (from, to) => run.run(classifies(read) ? inputs.batches(from, to) : nothing()),
      async close() {
        await inputs.close();
        await run.release();
      },
    };
  },
  merge: addCounts,
};

async function* nothing(): AsyncGenerator<Feed> {}

/** What one shard may take, for progress and cancelling: half a minute of one core, about. */
const SHARD_MACS = 1e12;
