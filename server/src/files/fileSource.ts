import { type FileHandle, open, realpath } from "node:fs/promises";
import { basename, dirname, isAbsolute, resolve, sep } from "node:path";
import type { ByteSource } from "#core/data/dataset.ts";

/** A file read by range. Open while in use: close it. */
export interface FileSource extends ByteSource {
  readonly path: string;
  close(): Promise<void>;
}

/** Opens a file; undefined when there is none. Other errors (permission, directory) reject. */
export async function openFile(path: string): Promise<FileSource | undefined> {
  let handle: FileHandle;
  try {
    handle = await open(path, "r");
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  const { size } = await handle.stat();
  return {
    path,
    name: basename(path),
    size,
    async read(offset, length) {
      const bytes = new Uint8Array(length);
      let done = 0;
      while (done < length) {
        const { bytesRead } = await handle.read(bytes, done, length - done, offset + done);
        if (bytesRead === 0) throw new Error(`${path} ends at byte ${offset + done}`);
        done += bytesRead;
      }
      return bytes;
    },
    close: () => handle.close(),
  };
}

/** Opens files beside another one; paths that lead out of its folder (also by symbolic link) are not found. */
export async function openSibling(of: string, relative: string): Promise<FileSource | undefined> {
  if (isAbsolute(relative)) return undefined;
  const folder = await realpath(dirname(of));
  let path: string;
  try {
    path = await realpath(resolve(folder, relative));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
  return path.startsWith(folder + sep) ? openFile(path) : undefined;
}
