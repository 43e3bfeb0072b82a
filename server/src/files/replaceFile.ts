import { createHash } from "node:crypto";
import { chmod, open, readFile, rename, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";

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
 * that, and only then it takes the place of `path`. Whatever fails, `path` stays as it was and no
 * partial file is left.
 */
export async function replaceFile(
  path: string,
  pieces: AsyncIterable<Uint8Array> | Iterable<Uint8Array>,
  verify: (temporary: string) => Promise<void>,
): Promise<void> {
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
    await verify(temporary);
    await keepMode(path, temporary);
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
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
  await replaceFile(to, [await readFile(from)], async () => undefined);
}
