import { createHash } from "node:crypto";
import {
  copyFile,
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join, relative } from "node:path";
import { fail } from "#core/problem.ts";
import { hashFile } from "../files/replaceFile.ts";

/** Model files as they were before Kaibo changed them: kept by content, with a record per model. */
export interface Originals {
  /** Keeps a copy of a file; the name gets it back. */
  keep(path: string): Promise<string>;
  /** Where a copy is. */
  path(name: string): string;
  /** The path of a copy that is whole. Rejects with ProblemError when it is gone or damaged. */
  kept(name: string): Promise<string>;
  /** Records that a model file was replaced. */
  replaced(model: string, change: Change): Promise<void>;
  /** What the model was, oldest first. */
  changes(model: string): Promise<readonly Change[]>;
  /** Forgets the newest changes, from the `first`-th on. */
  forget(model: string, first: number): Promise<void>;
  /** Lets go what belongs to no model in these folders and was not opened for a month. */
  tidy(open: readonly string[], now?: number): Promise<void>;
}

/** One replacement of a model file. */
export interface Change {
  /** Names the copy of the file as it was. */
  readonly original: string;
  /** SHA-256 of what took its place: a later change by others is not thrown away. */
  readonly became: string;
  /** Milliseconds since the epoch. */
  readonly time: number;
}

interface Record {
  readonly model: string;
  readonly changes: readonly Change[];
}

const MONTH = 30 * 24 * 3600 * 1000;

export function originalsIn(folder: string): Originals {
  const recordOf = (model: string) =>
    join(folder, `${createHash("sha256").update(model).digest("hex")}.json`);

  async function read(file: string): Promise<Record | undefined> {
    try {
      return JSON.parse(await readFile(file, "utf8")) as Record;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      // A damaged record names nothing any more; the copies themselves are left for a month.
      if (error instanceof SyntaxError) return undefined;
      throw error;
    }
  }

  async function write(record: Record): Promise<void> {
    const file = recordOf(record.model);
    if (record.changes.length === 0) return rm(file, { force: true });
    await mkdir(folder, { recursive: true });
    await placed(file, (temporary) => writeFile(temporary, JSON.stringify(record)));
  }

  const changes = async (model: string) => (await read(recordOf(model)))?.changes ?? [];

  return {
    async keep(path) {
      await mkdir(folder, { recursive: true });
      const name = await hashFile(path);
      await placed(join(folder, name), (temporary) => copyFile(path, temporary));
      return name;
    },
    path: (name) => join(folder, name),
    async kept(name) {
      const path = join(folder, name);
      const hash = await hashFile(path).catch(() => undefined);
      return hash === name
        ? path
        : fail("cannot-write", "the kept original is gone or damaged; nothing was changed", path);
    },
    changes,
    async replaced(model, change) {
      await write({ model, changes: [...(await changes(model)), change] });
    },
    async forget(model, first) {
      await write({ model, changes: (await changes(model)).slice(0, first) });
    },
    async tidy(open, now = Date.now()) {
      const names = await readdir(folder).catch(() => []);
      const used = new Set<string>();
      for (const name of names.filter((n) => n.endsWith(".json"))) {
        const file = join(folder, name);
        const record = await read(file);
        if (record !== undefined && open.some((f) => isInside(record.model, f)))
          await utimes(file, new Date(now), new Date(now));
        else if (await isOlder(file, now - MONTH)) {
          await rm(file, { force: true });
          continue;
        }
        for (const { original } of record?.changes ?? []) used.add(original);
      }
      for (const name of names)
        if (
          !name.endsWith(".json") &&
          !used.has(name) &&
          (await isOlder(join(folder, name), now - MONTH))
        )
          await rm(join(folder, name), { force: true });
    },
  };
}

/** Written beside and renamed: there is the whole file or none. */
async function placed(path: string, make: (temporary: string) => Promise<void>): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    await make(temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

const isInside = (path: string, folder: string): boolean =>
  !/^\.\.([/\\]|$)|^([a-z]:|[/\\])/i.test(relative(folder, path));

async function isOlder(path: string, time: number): Promise<boolean> {
  const found = await stat(path).catch(() => undefined);
  return found !== undefined && found.mtimeMs < time;
}
