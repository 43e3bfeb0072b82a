import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { chmod, mkdir, open, readdir, realpath, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { OtherFile } from "#core/formats/format.ts";
import { ProblemError, problem } from "#core/problem.ts";
import { openAnyway, withinLimits } from "./limits.ts";

/** SHA-256 of a file, in hexadecimal. */
export async function hashFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  const file = await open(path, "r");
  try {
    for await (const chunk of file.createReadStream({ autoClose: false }))
      hash.update(chunk as Buffer);
  } finally {
    await file.close();
  }
  return hash.digest("hex");
}

/**
 * Writes a file as a whole or not at all: pieces go to a temporary file beside it, `verify` looks at
 * that, and only then it takes the place of the file. Whatever fails, the file stays as it was and no
 * partial one is left. A symbolic link stays one: what it points to is replaced.
 */
export async function replaceFile(
  given: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  verify: (temporary: string) => Promise<void>,
): Promise<void> {
  const path = await realpath(given).catch(() => given);
  await removeLeftovers(path);
  // The name keeps its extension: the check opens the temporary file like any model.
  const temporary = join(dirname(path), `.${process.pid}-${Date.now()}-${basename(path)}`);
  try {
    const file = await open(temporary, "wx");
    try {
      for await (const piece of pieces) await file.writeFile(piece);
      await file.sync();
    } finally {
      await file.close();
    }
    // It was made of a file that was opened: what the limits are for is done.
    openAnyway(temporary);
    await verify(temporary);
    await keepMode(path, temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw asProblem(error, path);
  } finally {
    withinLimits(temporary);
  }
}

/** Old enough that nobody is still writing it, in another machine's view of the folder either. */
const LEFT_MS = 60_000;

/** Temporary files of processes that were killed while they wrote. */
async function removeLeftovers(path: string): Promise<void> {
  const folder = dirname(path);
  // Where the folder cannot be read, writing will say why.
  for (const name of await readdir(folder).catch(() => [])) {
    const [, pid, time, of] = /^\.(\d+)-(\d+)-(.+)$/.exec(name) ?? [];
    if (of !== basename(path) || Date.now() - Number(time) < LEFT_MS || isAlive(Number(pid)))
      continue;
    await rm(join(folder, name), { force: true });
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}

/**
 * Writes files into a folder and then does the work that needs them; if that fails, the new ones are
 * removed again. Files that are there already are not touched: their names say what they contain, or
 * they are refused where the content differs.
 */
export async function withFiles<T>(
  folder: string,
  files: readonly OtherFile[],
  work: () => Promise<T>,
): Promise<T> {
  const written: string[] = [];
  try {
    for (const { path: relative, file } of files) {
      const path = join(folder, relative);
      if (await exists(path)) {
        if ((await hashFile(path)) !== (await hashOf(file.pieces())))
          throw new ProblemError(
            problem("cannot-write", "another file is in its place; choose another folder", path),
          );
        continue;
      }
      await mkdir(dirname(path), { recursive: true });
      await replaceFile(path, file.pieces(), async () => undefined);
      written.push(path);
    }
    return await work();
  } catch (error) {
    for (const path of written) await rm(path, { force: true });
    throw error;
  }
}

async function hashOf(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash("sha256");
  for await (const piece of pieces) hash.update(piece);
  return hash.digest("hex");
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return false;
      throw error;
    },
  );

/** What the file system says is a fact about the place, not a bug. */
function asProblem(error: unknown, path: string): unknown {
  if (!(error instanceof Error && "syscall" in error)) return error;
  const [what = error.message] = error.message.split(", ");
  return new ProblemError(problem("cannot-write", `cannot be written: ${what}`, path));
}

/** The new file gets the permissions of the one it replaces. */
async function keepMode(path: string, temporary: string): Promise<void> {
  const before = await stat(path).catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return undefined;
    throw error;
  });
  if (before !== undefined) await chmod(temporary, before.mode);
}

/** Puts one file's content in another's place, as a whole. */
export async function copyInto(from: string, to: string): Promise<void> {
  await replaceFile(to, createReadStream(from), async () => undefined);
}
