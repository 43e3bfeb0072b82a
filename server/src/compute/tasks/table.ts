import type { Task } from "../task.ts";
import { comparisonTask } from "./comparison.ts";
import { importanceTask } from "./importance.ts";
import { weightsTask } from "./weights.ts";

/** Parameters and partials cross a process boundary: who asked knows their types. */
type AnyTask = Task<unknown, unknown, unknown>;

const tasks = [importanceTask, comparisonTask, weightsTask] as unknown as readonly AnyTask[];

/** The task that a parent asked for; both sides are of one build. */
export function taskOfName(name: string): AnyTask {
  const task = tasks.find((t) => t.name === name);
  if (task === undefined) throw new Error(`unknown task ${name}`);
  return task;
}
