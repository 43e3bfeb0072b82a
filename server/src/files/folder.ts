import { createHash } from "node:crypto";
import { type FileHandle, open, readdir, stat } from "node:fs/promises";
import { join, relative, sep } from "node:path";
import type { Folder } from "#core/data/images/folder.ts";
import { type Limits, many, refuseOver } from "#core/limits.ts";
import { fail } from "#core/problem.ts";
import { limitsFor } from "./limits.ts";

/** A folder with everything below it; undefined when the path is none. Rejects with ProblemError. */
export async function openFolder(path: string): Promise<Folder | undefined> {
  const found = await stat(path).catch(() => undefined);
  if (!found?.isDirectory()) return undefined;
  const files: string[] = [];
  const folders: string[] = [];
  for (const entry of await entriesOf(path)) {
    const name = relative(path, join(entry.parentPath, entry.name)).split(sep).join("/");
    const kind = entry.isSymbolicLink()
      ? await stat(join(path, name)).catch(() => undefined)
      : entry;
    // Linked folders are not followed: they may lead round in circles.
    if (kind?.isFile()) files.push(name);
    if (entry.isDirectory() && !name.includes("/")) folders.push(name);
  }
  const limits = limitsFor(path);
  if (files.length > limits.files)
    refuseOver(limits, "files", `there are ${many(files.length)} files in it`, path);
  return {
    path: path.replace(/(?<=.)[/\\]+$/, ""),
    files,
    folders,
    read: (file, own) => readFile(join(path, file), own),
  };
}

async function entriesOf(path: string) {
  try {
    return await readdir(path, { withFileTypes: true, recursive: true });
  } catch (error) {
    return fail("unreadable-data", `the folder cannot be read: ${(error as Error).message}`, path);
  }
}

async function readFile(path: string, limits: Limits): Promise<Uint8Array> {
  let file: FileHandle | undefined;
  try {
    file = await open(path, "r");
    const { size } = await file.stat();
    if (size > limits.pictureBytes)
      return refuseOver(limits, "pictureBytes", `the picture has ${many(size)} bytes`, path);
    return await file.readFile();
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    return fail("unreadable-data", `the file cannot be read: ${error.message}`, path);
  } finally {
    await file?.close();
  }
}

/** Changes when a file in the folder is added, taken away, renamed or written. */
export async function stampFolder({ path, files }: Folder): Promise<string> {
  const hash = createHash("sha256");
  for (const file of [...files].sort()) {
    const { size, mtimeMs } = await stat(join(path, file));
    hash.update(`${file}\0${size}\0${mtimeMs}\n`);
  }
  return hash.digest("hex");
}
