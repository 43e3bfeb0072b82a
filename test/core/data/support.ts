import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import type { Batch, ByteSource, Dataset } from "#core/data/dataset.ts";
import { type Files, openDataset } from "#core/data/open.ts";
import { describe as describeProblem, ProblemError } from "#core/problem.ts";

export function source(name: string, bytes: Uint8Array): ByteSource {
  return {
    name,
    size: bytes.length,
    read: async (offset, length) => {
      if (offset + length > bytes.length) throw new Error(`only ${bytes.length} bytes`);
      return bytes.slice(offset, offset + length);
    },
  };
}

export function filesOf(contents: Readonly<Record<string, Uint8Array | string>>): Files {
  return {
    open: async (path) => {
      const content = contents[path];
      if (content === undefined) return undefined;
      return source(path, typeof content === "string" ? Buffer.from(content) : content);
    },
  };
}

export function fixture(name: string): Uint8Array {
  return readFileSync(new URL(`fixtures/${name}`, import.meta.url));
}

/** An IDX file: magic number, big-endian dimensions, then the bytes as they are. */
export function idx(type: number, dims: readonly number[], bytes: Iterable<number>): Buffer {
  const header = Buffer.alloc(4 + 4 * dims.length);
  header.set([0, 0, type, dims.length]);
  dims.forEach((dim, i) => {
    header.writeUInt32BE(dim, 4 + 4 * i);
  });
  return Buffer.concat([header, Buffer.from([...bytes])]);
}

/** A .npy file of format version 1. */
export function npy(header: string, bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(2);
  length.writeUInt16LE(header.length + 1);
  return Buffer.concat([
    Buffer.from("\x93NUMPY\x01\x00", "latin1"),
    length,
    Buffer.from(`${header}\n`),
    bytes,
  ]);
}

export async function all(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const list: Batch[] = [];
  for await (const batch of batches) list.push(batch);
  return list;
}

/** Opens a dataset that must open. */
export async function opened(
  name: string,
  contents: Readonly<Record<string, Uint8Array | string>>,
  options: { labels?: string } = {},
): Promise<Dataset> {
  const { dataset, problems } = await openDataset(name, filesOf(contents), options);
  assert.deepEqual(problems, []);
  assert(dataset !== undefined);
  return dataset;
}

export async function values(dataset: Dataset, size = 2): Promise<number[]> {
  return (await all(dataset.batches(0, dataset.count, size))).flatMap(({ x }) => [...x]);
}

export async function labels(dataset: Dataset, size = 2): Promise<number[]> {
  const batches = await all(dataset.batches(0, dataset.count, size));
  return batches.flatMap(({ labels }) => [...(labels ?? [])]);
}

/** Opening the dataset, or reading it to the end, must report a problem that matches. */
export async function refuses(
  name: string,
  contents: Readonly<Record<string, Uint8Array | string>>,
  message: RegExp,
  options: { labels?: string } = {},
): Promise<void> {
  const { dataset, problems } = await openDataset(name, filesOf(contents), options);
  let [problem] = problems;
  if (dataset !== undefined) {
    const read = all(dataset.batches(0, dataset.count, 2));
    problem = await read.then(
      () => undefined,
      (error: unknown) => {
        assert(error instanceof ProblemError, String(error));
        return error.problem;
      },
    );
  }
  assert(problem !== undefined, "no problem was found");
  assert.match(describeProblem(problem), message);
}
