import { createHash } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Checkpoint } from "../compute/checkpoint.ts";
import { checkpointIn } from "./checkpoints.ts";
import { type Originals, originalsIn } from "./originals.ts";

/** Results and kept originals on disk, by content: the same question about the same bytes is answered once. */
export interface Storage {
  /** A stored result; undefined when there is none or it is damaged. */
  result(key: string): Promise<unknown>;
  storeResult(key: string, value: unknown): Promise<void>;
  /** Where a job's sums are kept while it is not done. */
  checkpoint(key: string): Checkpoint;
  readonly originals: Originals;
}

/** Results of another version of the explanations are not used. */
const VERSION = 3;

export const defaultStorage = (): string =>
  join(process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache"), "kaibo");

export function openStorage(folder: string): Storage {
  const results = join(folder, "results");
  return {
    async result(key) {
      try {
        return decode(await readFile(join(results, `${key}.json`), "utf8"));
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
        throw error;
      }
    },
    async storeResult(key, value) {
      await mkdir(results, { recursive: true });
      const temporary = join(results, `${key}.${process.pid}.tmp`);
      try {
        await writeFile(temporary, encode(value));
        await rename(temporary, join(results, `${key}.json`));
      } catch (error) {
        await rm(temporary, { force: true });
        throw error;
      }
    },
    checkpoint: (key) => checkpointIn(folder, key),
    originals: originalsIn(join(folder, "originals")),
  };
}

/** A line with the hash of the JSON after it: a damaged result is computed again. */
function encode(value: unknown): string {
  const json = JSON.stringify(value, (_, v: unknown) =>
    typeof v === "number" && !Number.isFinite(v) ? { [NUMBER]: String(v) } : v,
  );
  return `${sha256(json)}\n${json}`;
}

function decode(text: string): unknown {
  const at = text.indexOf("\n");
  const json = text.slice(at + 1);
  if (text.slice(0, at) !== sha256(json)) return undefined;
  return JSON.parse(json, (_, v: { [NUMBER]?: string } | null) =>
    typeof v === "object" && v !== null && NUMBER in v ? Number(v[NUMBER]) : v,
  );
}

/** JSON has no NaN and no infinity. */
const NUMBER = "$number";

const sha256 = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The name of a result: of everything it depends on. */
export function resultKey(parts: unknown): string {
  return sha256(JSON.stringify([VERSION, parts]));
}
