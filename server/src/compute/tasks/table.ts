import type { Task } from "../task.ts";
import { activationTask } from "./activation.ts";
import { comparisonTask } from "./comparison.ts";
import { diffTask } from "./diff.ts";
import { importanceTask } from "./importance.ts";
import { latencyTask } from "./latency.ts";
import { maskedTask } from "./masked.ts";
import { compensationTask, redundancyTask } from "./redundant.ts";
import { retrainTask } from "./retrain.ts";
import { retrainedSetsTask } from "./retrainedSets.ts";
import { scalesTask } from "./scales.ts";
import { taylorTask } from "./taylor.ts";
import { trainedTask } from "./trained.ts";
import { weightsTask } from "./weights.ts";

/** Parameters and partials cross a process boundary: who asked knows their types. */
type AnyTask = Task<unknown, unknown, unknown>;

const tasks = [
  taylorTask,
  activationTask,
  scalesTask,
  importanceTask,
  comparisonTask,
  weightsTask,
  diffTask,
  redundancyTask,
  compensationTask,
  latencyTask,
  maskedTask,
  retrainedSetsTask,
  retrainTask,
  trainedTask,
] as unknown as readonly AnyTask[];

/** The task that a parent asked for; both sides are of one build. */
export function taskOfName(name: string): AnyTask {
  const task = tasks.find((t) => t.name === name);
  if (task === undefined) throw new Error(`unknown task ${name}`);
  return task;
}
