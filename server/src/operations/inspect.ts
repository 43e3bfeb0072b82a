import { ProblemError, problem } from "#core/problem.ts";
import type { ModelView } from "#protocol/views/model.ts";
import { openModel } from "../files/openModel.ts";
import { viewModel } from "./view.ts";

/** A model file's structure. Rejects with ProblemError when nothing of it can be read. */
export async function inspectModel(path: string): Promise<ModelView> {
  const opened = await openModel(path);
  try {
    const { model, problems } = opened;
    if (model === undefined)
      throw new ProblemError(problems[0] ?? problem("unreadable-model", "it holds no graph", path));
    return viewModel(model, problems);
  } finally {
    await opened.close();
  }
}
