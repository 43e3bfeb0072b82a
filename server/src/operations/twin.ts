import { stat } from "node:fs/promises";
import { dirname, resolve } from "node:path";
import type { Cutting, Edit } from "#core/formats/edits.ts";
import type { Edited, EditedFile } from "#core/formats/format.ts";
import { constantOf, type Graph } from "#core/ir/graph.ts";
import { fail, ProblemError, problem } from "#core/problem.ts";
import { twinEdits } from "#core/prune/twin/twinEdits.ts";
import type { TwinReport } from "#protocol/requests.ts";
import { type OpenModel, openModel } from "../files/openModel.ts";
import { replaceFile } from "../files/replaceFile.ts";

/** Tensors under the names of a state_dict, and where the smaller ones go. */
export interface TwinRequest {
  readonly path: string;
  /** May be `path` itself. */
  readonly output: string;
}

/** A twin of a model, and what it loses by the edits of the model. */
export interface OpenTwin {
  readonly graph: Graph;
  readonly cuts: readonly Cutting[];
  edited(): Promise<EditedFile>;
  close(): Promise<void>;
}

/** Rejects with ProblemError naming the tensor where it is not certain what has to go. Close it when done. */
export async function openTwin(
  graph: Graph,
  edits: readonly Edit[],
  path: string,
): Promise<OpenTwin> {
  const opened = await openModel(path);
  try {
    const { model } = opened;
    if (model?.format !== "safetensors")
      return fail(
        "cannot-prune",
        opened.problems[0]?.message ?? "a twin is a .safetensors file: save the state_dict as one",
        path,
      );
    const cuts = await twinEdits(graph, edits, model.graph, path);
    return {
      graph: model.graph,
      cuts,
      edited: () => editedFile(opened, cuts, path),
      close: () => opened.close(),
    };
  } catch (error) {
    await opened.close();
    throw error;
  }
}

async function editedFile(
  opened: OpenModel,
  cuts: readonly Cutting[],
  path: string,
): Promise<EditedFile> {
  const { file, problems }: Edited = await opened.edit(cuts);
  if (file !== undefined) return file;
  throw new ProblemError(problems[0] ?? problem("cannot-write", "it cannot be edited", path));
}

/**
 * Cuts the twin of a model with it: the twin's new file is whole and checked before `writeModel` puts the
 * model in place, and takes its own place right after that. Where either fails, neither is there.
 * @param model where the smaller model goes
 */
export async function withTwin<T>(
  graph: Graph,
  edits: readonly Edit[],
  { path, output }: TwinRequest,
  model: string,
  writeModel: () => Promise<T>,
): Promise<{ readonly written: T; readonly twin: TwinReport }> {
  await checkPlace(output, model);
  const twin = await openTwin(graph, edits, path);
  try {
    const file = await twin.edited();
    let written: { readonly value: T } | undefined;
    const { size: before } = await stat(path);
    await replaceFile(output, file.pieces(), async (temporary) => {
      await checkShapes(twin, temporary, output);
      written = { value: await writeModel() };
    });
    const tensors = new Set(twin.cuts.map((c) => c.tensor)).size;
    return {
      written: written!.value,
      twin: { output, tensors, bytes: { before, after: file.size } },
    };
  } finally {
    await twin.close();
  }
}

/** What would stop the last step is found before the first. */
async function checkPlace(output: string, model: string): Promise<void> {
  if (resolve(output) === resolve(model))
    fail("cannot-write", "model and twin would be the same file: name another", output);
  const found = await stat(output).catch(() => undefined);
  if (found !== undefined && !found.isFile())
    fail("cannot-write", "it is no file: name the file for the twin", output);
  const folder = await stat(dirname(resolve(output))).catch(() => undefined);
  if (!folder?.isDirectory()) fail("cannot-write", "there is no such folder", dirname(output));
}

/** The written twin has the tensors of the old one, smaller by what goes. */
async function checkShapes(twin: OpenTwin, temporary: string, output: string): Promise<void> {
  const opened = await openModel(temporary);
  try {
    const found = new Map(opened.model?.graph.outputs.map((v) => [v.node.name, v.shape]));
    for (const value of twin.graph.outputs) {
      const { name } = value.node;
      const shape = constantOf(value)!.shape.map(
        (length, axis) =>
          length -
          twin.cuts
            .filter((c) => c.tensor === name && c.axis === axis)
            .reduce((n, c) => n + c.remove.length, 0),
      );
      if (String(found.get(name)) !== String(shape))
        fail(
          "cannot-write",
          `it was written as [${found.get(name)}] instead of [${shape}]; nothing was written`,
          output,
          `tensor ${name}`,
        );
    }
  } finally {
    await opened.close();
  }
}
