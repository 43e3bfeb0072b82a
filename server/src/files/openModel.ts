import { resolve } from "node:path";
import { defined } from "#core/defined.ts";
import type { Edit } from "#core/formats/edits.ts";
import { weightsWithNaN } from "#core/formats/finite.ts";
import type { Edited, Opened } from "#core/formats/format.ts";
import type { Model } from "#core/formats/model.ts";
import { formatOf } from "#core/formats/table.ts";
import { loadWeights } from "#core/formats/weights.ts";
import type { Limits } from "#core/limits.ts";
import { fail, type Problem, ProblemError, problem } from "#core/problem.ts";
import { type FileSource, openFile, openSibling } from "./fileSource.ts";
import { limitsFor } from "./limits.ts";
import { isPickleName, pickleProblem, toExport } from "./pickle.ts";

/** A model file, open for reading its weights; close it when done. */
export interface OpenModel extends Opened {
  /** Paths of all files read so far: the model's own and its external data. */
  files(): readonly string[];
  /** The file with edited tensors, and what it will be read as. */
  edit(edits: readonly Edit[]): Promise<Edited>;
  close(): Promise<void>;
}

const HEAD = 256;

/**
 * Reads a model file's structure. Rejects with ProblemError only when there is no such file to open.
 * @param limits what is read at most; as this process allows for the file when absent
 */
export async function openModel(
  path: string,
  limits: Limits = limitsFor(path),
): Promise<OpenModel> {
  const source = await openExisting(path);
  const files = new Set<FileSource>([source]);
  const close = async () => {
    for (const file of files) await file.close();
  };
  const paths = () => [...new Set([...files].map((file) => file.path))];
  const siblings = {
    async open(relative: string) {
      const file = await openSibling(resolve(path), relative);
      if (file !== undefined) files.add(file);
      return file;
    },
  };
  const head = await source.read(0, Math.min(HEAD, source.size));
  const pickle = await pickleProblem(source, head, path);
  const format = pickle === undefined ? formatOf(head, source.name) : undefined;
  if (format === undefined) {
    const advice = isPickleName(source.name) ? toExport(source.name) : "export the model to ONNX";
    const unknown = `no model format that Kaibo reads; ${advice}`;
    return {
      model: undefined,
      problems: [pickle ?? problem("unreadable-model", unknown, path)],
      edit: () => Promise.reject(new Error("nothing to edit")),
      files: paths,
      close,
    };
  }
  const { model, problems } = await format.read(source, siblings, limits);
  return {
    model,
    problems: problems.map((p) => located(p, source.name, path)),
    edit: (edits) => format.applyEdits(source, siblings, edits, limits),
    files: paths,
    close,
  };
}

/** A whole model with its weights in memory; rejects with ProblemError when some of it cannot be read. */
export const readModel = async (path: string): Promise<Model> => (await readModelOf(path)).model;

/** A model with its weights in memory. */
export interface ReadModel {
  readonly model: Model;
  /** Paths of the files it was read from. */
  readonly files: readonly string[];
  /** What could not be read; only where parts of models are wanted. */
  readonly unread?: Problem;
}

/**
 * The same, with the paths of the files it was read from.
 * @param parts whether a model that could be read in part will do
 */
export async function readModelOf(path: string, parts = false): Promise<ReadModel> {
  const opened = await openModel(path);
  try {
    return await withWeights(opened, path, parts);
  } finally {
    await opened.close();
  }
}

/**
 * The same of a model that is open.
 * @param between called between tensors: what it throws ends the reading
 */
export async function withWeights(
  { model, problems, files }: OpenModel,
  path: string,
  parts = false,
  between?: () => void,
): Promise<ReadModel> {
  if (model === undefined || (model.partial && !parts))
    throw new ProblemError(problems[0] ?? problem("unreadable-model", "it holds no graph", path));
  await loadWeights(model.graph, between);
  const [wrong] = weightsWithNaN(model.graph);
  if (wrong !== undefined)
    fail(
      "unreadable-model",
      `${wrong.count} of its weights are NaN: nothing can be computed with them; train or export the model again`,
      path,
      `tensor ${wrong.tensor}`,
    );
  const unread = model.partial ? problems[0] : undefined;
  return { model, files: files(), ...defined({ unread }) };
}

/** People find a file by the path they gave, not by its last part. */
const located = (found: Problem, name: string, path: string): Problem =>
  found.at.file === name ? { ...found, at: { ...found.at, file: path } } : found;

async function openExisting(path: string): Promise<FileSource> {
  let file: FileSource | undefined;
  try {
    file = await openFile(path);
  } catch (error) {
    return fail("unreadable-model", `cannot be opened: ${(error as Error).message}`, path);
  }
  return file ?? fail("unreadable-model", "there is no such file; check the path", path);
}
