import { createHash } from "node:crypto";
import { copyFile, mkdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { hashFile } from "../files/replaceFile.ts";

/** Results and kept originals on disk, by content: the same question about the same bytes is answered once. */
export interface Storage {
  /** A stored result; undefined when there is none or it cannot be read. */
  result(key: string): Promise<unknown>;
  storeResult(key: string, value: unknown): Promise<void>;
  /** Keeps a copy of a file; the name gets it back. */
  keep(path: string): Promise<string>;
  kept(name: string): Promise<string>;
}

/** Results of another version of the explanations are not used. */
const VERSION = 1;

export const defaultStorage = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "kaibo");

export function openStorage(folder: string): Storage {
  const results = join(folder, "results");
  const originals = join(folder, "originals");
  return {
    async result(key) {
      try {
        return JSON.parse(await readFile(join(results, `${key}.json`), "utf8"));
      } catch (error) {
        // A result that is missing or damaged is computed again.
        if ((error as NodeJS.ErrnoException).code === "ENOENT" || error instanceof SyntaxError)
          return undefined;
        throw error;
      }
    },
    async storeResult(key, value) {
      await mkdir(results, { recursive: true });
      const temporary = join(results, `${key}.${process.pid}.tmp`);
      try {
        await writeFile(temporary, JSON.stringify(value));
        await rename(temporary, join(results, `${key}.json`));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
    async keep(path) {
      await mkdir(originals, { recursive: true });
      const name = await hashFile(path);
      const temporary = join(originals, `${name}.${process.pid}.tmp`);
      await copyFile(path, temporary);
      await rename(temporary, join(originals, name));
      return name;
    },
    async kept(name) {
      const path = join(originals, name);
      await stat(path);
      return path;
    },
  };
}

/** The name of a result: of everything it depends on. */
export function resultKey(parts: unknown): string {
  return createHash("sha256")
    .update(JSON.stringify([VERSION, parts]))
    .digest("hex");
}
