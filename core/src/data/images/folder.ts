import { type Limits, USUAL_LIMITS } from "../../limits.ts";
import { fail, ProblemError, problem } from "../../problem.ts";
import type { Batch, Dataset } from "../dataset.ts";
import { type Arrangement, arrange } from "./arrange.ts";
import { decodeImage, isOtherPicture, isPicture } from "./decode.ts";
import { BadImage, LargeImage, type Pixels } from "./pixels.ts";

/** A folder whose files are read one at a time. */
export interface Folder {
  /** As people gave it, without a "/" at the end. */
  readonly path: string;
  /** Paths of all files in it and below, relative to it, with "/". */
  readonly files: readonly string[];
  /** Names of the folders directly in it. */
  readonly folders: readonly string[];
  /** The whole file; rejects with ProblemError when it cannot be read or is over the limit of `pictureBytes`. */
  read(file: string, limits: Limits): Promise<Uint8Array>;
}

/** Which picture has which class. */
export interface Classes {
  readonly names?: readonly string[];
  of(file: string): number;
}

/** How pictures are read. */
export interface Reading extends Arrangement {
  /** The usual ones when absent. */
  readonly limits?: Limits;
}

/**
 * The pictures of a folder as samples [height, width, channels] of values from 0 to 255; [height, width]
 * when they are grey. In the order of torchvision's ImageFolder: by class folder, then by folder and name.
 * All of one size, unless the arrangement makes them so. Rejects with ProblemError.
 */
export async function openPictures(
  folder: Folder,
  arrangement: Reading,
  classes: Classes | undefined,
): Promise<Dataset> {
  const files = picturesOf(folder);
  const [first] = files;
  const { width, height, channels } = await picture(folder, first, arrangement);
  const shape = channels === 1 ? [height, width] : [height, width, channels];
  return {
    name: folder.path,
    shape,
    count: files.length,
    labelled: classes !== undefined,
    ...(classes?.names === undefined ? {} : { classes: classes.names }),
    seeks: true,
    bytes: true,
    pictures: true,
    grouped: true,
    batches: (from, to, size) =>
      batches(
        { folder, files, shape, arrangement, classes },
        from,
        Math.min(to, files.length),
        size,
      ),
  };
}

/** The pictures in their order. Hidden files and folders are no data. */
export function picturesOf({ path, files }: Folder): readonly string[] {
  const shown = files.filter((f) => !f.split("/").some((part) => part.startsWith(".")));
  const other = shown.find(isOtherPicture);
  if (other !== undefined)
    fail(
      "unreadable-data",
      "pictures of this kind are not read; save it as PNG or JPEG, or take it out of the folder",
      `${path}/${other}`,
    );
  const pictures = shown.filter(isPicture);
  if (pictures.length === 0)
    fail("unreadable-data", "there are no PNG or JPEG files in this folder; choose another", path);
  return pictures
    .map((file) => ({ file, key: [classOf(file), file.slice(0, file.lastIndexOf("/") + 1), file] }))
    .sort((a, b) => compare(a.key, b.key))
    .map(({ file }) => file);
}

/** The first folder on the way to a file; "" for files that are directly in it. */
const classOf = (file: string): string => file.slice(0, Math.max(0, file.indexOf("/")));

function compare(a: readonly string[], b: readonly string[]): number {
  const at = a.findIndex((part, i) => part !== b[i]);
  return at < 0 ? 0 : a[at] < b[at] ? -1 : 1;
}

/** The folders that the pictures are in, sorted by name; undefined when they are in none. */
export function foldersAsClasses(folder: Folder): Classes | undefined {
  const found = new Set(picturesOf(folder).map(classOf));
  if (found.size === 1 && found.has("")) return undefined;
  if (found.has(""))
    fail(
      "unreadable-data",
      "there are pictures beside the folders of the classes; move them into one, or name the labels",
      folder.path,
    );
  const empty = folder.folders.find((name) => !name.startsWith(".") && !found.has(name));
  if (empty !== undefined)
    fail(
      "unreadable-data",
      `the class folder ${empty} holds no pictures, so the numbers of the classes after it are not known; add one, or name the labels`,
      folder.path,
    );
  const names = [...found].sort((a, b) => compare([a], [b]));
  const index = new Map(names.map((name, i) => [name, i]));
  return { names, of: (file) => index.get(classOf(file)) ?? -1 };
}

interface Pictures {
  readonly folder: Folder;
  readonly files: readonly string[];
  readonly shape: readonly number[];
  readonly arrangement: Reading;
  readonly classes: Classes | undefined;
}

async function* batches(
  { folder, files, shape, arrangement, classes }: Pictures,
  from: number,
  to: number,
  size: number,
): AsyncGenerator<Batch> {
  const each = shape.reduce((a, b) => a * b, 1);
  for (let at = from; at < to; at += size) {
    const names = files.slice(at, Math.min(at + size, to));
    const x = new Float32Array(names.length * each);
    for (const [i, file] of names.entries()) {
      const { width, height, data } = await picture(folder, file, arrangement);
      if (height !== shape[0] || width !== shape[1])
        refuseSize(`${folder.path}/${file}`, [height, width], shape, files[0]);
      x.set(data, i * each);
    }
    const batch = { from: at, count: names.length, x };
    yield classes === undefined ? batch : { ...batch, labels: Int32Array.from(names, classes.of) };
  }
}

async function picture(folder: Folder, file: string, arrangement: Reading): Promise<Pixels> {
  const { limits = USUAL_LIMITS } = arrangement;
  const bytes = await folder.read(file, limits);
  try {
    return arrange(decodeImage(bytes, limits), arrangement);
  } catch (error) {
    if (error instanceof BadImage) {
      const code = error instanceof LargeImage ? "over-limit" : "unreadable-data";
      return fail(code, error.message, `${folder.path}/${file}`);
    }
    throw error;
  }
}

function refuseSize(
  file: string,
  [height, width]: readonly number[],
  [firstHeight, firstWidth]: readonly number[],
  first: string,
): never {
  const size = [firstHeight, firstWidth];
  const message = `expected a picture of ${firstWidth} × ${firstHeight} like ${first}, found ${width} × ${height}; set "size" to [${size.join(", ")}] (--size ${size.join(",")}) to resize them`;
  throw new ProblemError({
    ...problem("data-mismatch", message, file),
    fix: { key: "size", value: size },
  });
}
