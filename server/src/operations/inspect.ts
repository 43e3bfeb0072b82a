import { ProblemError, problem } from "#core/problem.ts";
import type { ModelView } from "#protocol/views/model.ts";
import { openModel } from "../files/openModel.ts";
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
    const { model, problems } = opened;
    if (model === undefined)
      throw new ProblemError(problems[0] ?? problem("unreadable-model", "it holds no graph", path));
    return { view: viewModel(model, problems), beside: opened.files().slice(1) };
  } finally {
    await opened.close();
  }
}
