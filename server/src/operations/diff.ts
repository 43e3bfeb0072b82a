import type { ModelDiff } from "#protocol/views/diff.ts";
import type { Control, Pool } from "../compute/pool.ts";
import { diffTask } from "../compute/tasks/diff.ts";

export interface DiffRequest {
  readonly before: string;
  readonly after: string;
}

/** What differs between two model files, units by their weights. Rejects with ProblemError. */
export async function diffFiles(
  pool: Pool,
  request: DiffRequest,
  control: Control = {},
): Promise<ModelDiff> {
  return (await pool.run(diffTask, request, control)).partial;
}
