import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { finish } from "#core/explain/importance/finish.ts";
import { MEASURES, type Measure } from "#core/explain/importance/statistics.ts";
import type { OutputKind } from "#core/explain/readout.ts";
import type { Importance, ImportanceIndex } from "#protocol/views/importance.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { importanceTask } from "../compute/tasks/importance.ts";
import { weightsTask } from "../compute/tasks/weights.ts";
import type { Engine } from "../runtime/engines.ts";

export interface ImportanceRequest {
  readonly model: string;
  readonly data: DataSpec;
  readonly outputs?: OutputKind;
  readonly index?: ImportanceIndex;
  readonly layers?: readonly string[];
  readonly measures?: readonly Measure[];
  readonly engine?: Engine;
  readonly batch?: number;
  /** Outputs one by one, or so many probes; by the number of outputs when absent. */
  readonly probes?: number | "exact";
  /** Of the probes. */
  readonly seed?: number;
  /** Name of the output that is explained; the first when absent. */
  readonly output?: string;
}

/** Which units of a model file matter on some data. Rejects with ProblemError. */
export async function computeImportance(
  pool: Pool,
  request: ImportanceRequest,
  control: Control = {},
): Promise<Importance> {
  const { model, data, index, layers, batch, outputs = "probabilities" } = request;
  const { probes, seed, output } = request;
  const { partial, info } = await pool.run(
    importanceTask,
    {
      model,
      data,
      outputs,
      measures: request.measures ?? MEASURES,
      engine: request.engine ?? "onnxruntime",
      ...defined({ layers, batch, probes, seed, output }),
    },
    control,
  );
  const found = finish(partial, info.targets, info.outputs, {
    data: data.data,
    outputs,
    estimator: info.estimator,
    refusals: info.refusals,
    ...defined({ index }),
  });
  return { ...found, engine: info.engine };
}

/** What the weights alone say about the units. Rejects with ProblemError. */
export async function weightImportance(
  pool: Pool,
  model: string,
  control: Control = {},
): Promise<Importance> {
  return (await pool.run(weightsTask, { model }, control)).partial;
}
