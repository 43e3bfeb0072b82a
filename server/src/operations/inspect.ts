import { weightNorms } from "#core/explain/weightNorms.ts";
import { fail, ProblemError, problem } from "#core/problem.ts";
import type { Importance } from "#protocol/views/importance.ts";
import type { ModelView } from "#protocol/views/model.ts";
import { type OpenModel, openModel, withWeights } from "../files/openModel.ts";
import { viewModel } from "./view.ts";

/** A model file's structure. Rejects with ProblemError when nothing of it can be read. */
export const inspectModel = async (path: string): Promise<ModelView> =>
  (await inspectFiles(path)).view;

/** The same, with the files beside it that its weights are in. */
export async function inspectFiles(
  path: string,
): Promise<{ view: ModelView; beside: readonly string[] }> {
  const opened = await openModel(path);
  try {
    return { view: viewOf(opened, path), beside: opened.files().slice(1) };
  } finally {
    await opened.close();
  }
}

/**
 * The same with what the weights say (see `weightImportance`), the file read once: for a process that has
 * nothing else to do meanwhile. Rejects with ProblemError, also when it is cancelled.
 */
export async function inspectWithWeights(
  path: string,
  signal: AbortSignal,
): Promise<{ view: ModelView; importance: Importance }> {
  const opened = await openModel(path);
  try {
    const view = viewOf(opened, path);
    const { model } = await withWeights(opened, path, true, () => {
      if (signal.aborted) fail("cancelled", "cancelled", "");
    });
    return { view, importance: weightNorms(model.graph, model.ownOutputs) };
  } finally {
    await opened.close();
  }
}

function viewOf({ model, problems }: OpenModel, path: string): ModelView {
  if (model !== undefined) return viewModel(model, problems);
  throw new ProblemError(problems[0] ?? problem("unreadable-model", "it holds no graph", path));
}
