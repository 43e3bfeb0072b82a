import { stat } from "node:fs/promises";

/** By what a change of a file is noticed without reading it. */
export async function stampOf(path: string): Promise<{ stamp: string; mtime: number }> {
  const { mtimeMs, size, ino } = await stat(path);
  return { stamp: `${mtimeMs} ${size} ${ino}`, mtime: mtimeMs };
}
