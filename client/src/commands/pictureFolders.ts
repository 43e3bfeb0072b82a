import * as path from "node:path";

/** Fewer pictures in one folder are more likely to be of a text than of a data set. */
const FEWEST = 10;

/**
 * The folders that hold pictures as data: with one folder for each class, or at least ten pictures.
 * @param pictures paths of files
 */
export function pictureFolders(pictures: readonly string[]): readonly string[] {
  const counts = new Map<string, number>();
  for (const each of pictures) {
    const folder = path.dirname(each);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  const classes = new Map<string, number>();
  for (const folder of counts.keys()) {
    const parent = path.dirname(folder);
    classes.set(parent, (classes.get(parent) ?? 0) + 1);
  }
  const labelled = (folder: string) => (classes.get(folder) ?? 0) > 1;
  const found = new Set<string>();
  for (const [folder, count] of counts)
    if (labelled(path.dirname(folder))) found.add(path.dirname(folder));
    else if (count >= FEWEST) found.add(folder);
  return [...found].sort();
}
