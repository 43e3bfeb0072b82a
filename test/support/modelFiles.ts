import { existsSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";

export interface ModelFile {
  readonly title: string;
  readonly path: string;
}

const MODEL = /\.(onnx|keras|h5|hdf5)$|^model[^/]*\.json$/;

/** Every model file among the fixtures. */
export const fixtureModels = (): readonly ModelFile[] =>
  modelsIn(fileURLToPath(new URL("../fixtures", import.meta.url)));

/** Real models; none where the data are absent. */
export const realModels = (): readonly ModelFile[] =>
  modelsIn(resolve(process.env.KAIBO_DATA ?? "../shared/data", "models"));

function modelsIn(root: string): readonly ModelFile[] {
  if (!existsSync(root)) return [];
  return readdirSync(root, { withFileTypes: true, recursive: true })
    .filter((entry) => entry.isFile() && MODEL.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
    .sort()
    .map((path) => ({ title: relative(root, path), path }));
}
