import { createHash } from "node:crypto";
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { deserialize, serialize } from "node:v8";
import type { Checkpoint } from "../compute/checkpoint.ts";

/** A larger one is not kept: computing it again is cheaper than the disk. */
const LARGEST = 256 << 20;
/** All of them together; the oldest go first. */
const TOTAL = 1 << 30;
const MAXIMUM_AGE = 7 * 24 * 3600 * 1000;
const HASH = 32;

/** Where a job's sums are kept while it is not done: one file, named by the question. */
export function checkpointIn(storage: string, key: string): Checkpoint {
  const folder = join(storage, "partials");
  const path = join(folder, `${key}.bin`);
  return {
    async load() {
      const bytes = await readFile(path).catch(() => undefined);
      if (bytes === undefined) return undefined;
      const body = bytes.subarray(HASH);
      return hashOf(body).equals(bytes.subarray(0, HASH)) ? deserialize(body) : undefined;
    },
    async store(value) {
      const body = serialize(value);
      if (body.length > LARGEST) return;
      await mkdir(folder, { recursive: true });
      await tidy(folder, TOTAL - body.length);
      const temporary = `${path}.${process.pid}.tmp`;
      try {
        await writeFile(temporary, Buffer.concat([hashOf(body), body]));
        await rename(temporary, path);
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
    remove: () => rm(path, { force: true }),
  };
}

const hashOf = (bytes: Uint8Array): Buffer => createHash("sha256").update(bytes).digest();

/** Removes what nobody came back for. */
async function tidy(folder: string, room: number): Promise<void> {
  const files = await Promise.all(
    (await readdir(folder)).map(async (name) => {
      const path = join(folder, name);
      const found = await stat(path).catch(() => undefined);
      return found === undefined ? [] : [{ path, size: found.size, time: found.mtimeMs }];
    }),
  );
  let used = 0;
  for (const { path, size, time } of files.flat().sort((a, b) => b.time - a.time)) {
    used += size;
    if (used > room || Date.now() - time > MAXIMUM_AGE) await rm(path, { force: true });
  }
}
