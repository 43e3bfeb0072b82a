import { stat } from "node:fs/promises";
import { basename } from "node:path";
import { diffModels } from "#core/diff/diff.ts";
import { describe } from "#core/problem.ts";
import type { ModelDiff } from "#protocol/views/diff.ts";
import { type ReadModel, readModelOf } from "../../files/openModel.ts";
import { hashFile } from "../../files/replaceFile.ts";
import { revisionOf } from "../../files/revision.ts";
import type { Task } from "../task.ts";

export interface DiffParams {
  readonly before: string;
  readonly after: string;
}

/** Reads two models with all their weights and compares them. */
export const diffTask: Task<DiffParams, ModelDiff, undefined> = {
  name: "diff",
  alone: true,
  async open(params) {
    return {
      samples: 1,
      batch: 1,
      info: undefined,
      shard: () => diff(params),
      close: async () => undefined,
    };
  },
  merge: (first) => first,
};

async function diff({ before, after }: DiffParams): Promise<ModelDiff> {
  const [a, b] = [await readModelOf(before, true), await readModelOf(after, true)];
  const found = diffModels(a.model, b.model);
  const unread = [a, b].flatMap((m) => (m.unread === undefined ? [] : [describe(m.unread)]));
  const equal = unread.length > 0 && (await contentOf(a)) === (await contentOf(b));
  return {
    before: basename(before),
    after: basename(after),
    ...found,
    bytes: { before: await bytesOf(a), after: await bytesOf(b) },
    // Of what could not be read only the bytes can be compared.
    same: found.same && (unread.length === 0 || equal),
    notes: equal ? found.notes : [...found.notes, ...unread],
  };
}

async function contentOf({ files: [own, ...beside] }: ReadModel): Promise<string> {
  return revisionOf(await hashFile(own!), beside);
}

async function bytesOf({ files }: ReadModel): Promise<number> {
  let bytes = 0;
  for (const file of files) bytes += (await stat(file)).size;
  return bytes;
}
