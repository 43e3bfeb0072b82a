import { type Limits, USUAL_LIMITS } from "../limits.ts";
import { fail, ProblemError } from "../problem.ts";
import { openContent } from "./content.ts";
import { openCsv } from "./csv.ts";
import type { ByteSource, Dataset, OpenedDataset } from "./dataset.ts";
import { isIdx, readIdx } from "./idx.ts";
import type { Arrangement } from "./images/arrange.ts";
import { type Folder, foldersAsClasses, openPictures, picturesOf } from "./images/folder.ts";
import { isTable, namedLabels } from "./images/labels.ts";
import { labelled } from "./labelled.ts";
import { beginning, labelNames, openLabels } from "./labels.ts";
import { isNpy, readNpy } from "./npy.ts";
import { openNpz } from "./npz.ts";
import { readRange } from "./ranges.ts";
import { recordsDataset } from "./records.ts";

/** The file system the data is read from. */
export interface Files {
  /** Undefined when there is no such file. */
  open(path: string): Promise<ByteSource | undefined>;
  /** Undefined when the path is no folder. */
  folder?(path: string): Promise<Folder | undefined>;
}

export interface OpenOptions {
  readonly labels?: string;
  /** For folders of pictures. */
  readonly pictures?: Arrangement;
  /** The usual ones when absent. */
  readonly limits?: Limits;
}

/**
 * Opens `file.npz`, `file.npy`, IDX or `file.csv`, recognised by content, then by name, or a folder of
 * pictures. After `#`: `file.csv#target=quality`, `file.npz#x=x_test&y=y_test`. Labels come from
 * `options.labels` (IDX, npy, or text with one label per line; for pictures also a table of names and
 * labels), from the file itself, from the file beside it, or from the names of a folder's folders.
 * What cannot be read is a problem with code "unreadable-data".
 */
export async function openDataset(
  name: string,
  files: Files,
  options: OpenOptions = {},
): Promise<OpenedDataset> {
  try {
    const { path, choices } = splitName(name);
    const folder = await files.folder?.(path);
    if (folder !== undefined) {
      onlyChoices(path, choices, []);
      return { dataset: await openFolder(folder, files, options), problems: [] };
    }
    const source = await openFile(files, path);
    const dataset = await openSamples(source, path, choices, options.limits ?? USUAL_LIMITS);
    return { dataset: await addLabels(dataset, path, files, options.labels), problems: [] };
  } catch (error) {
    if (error instanceof ProblemError) return { dataset: undefined, problems: [error.problem] };
    throw error;
  }
}

/** "a.csv#target=quality" is the file a.csv with the choice target=quality. */
export function splitName(name: string): { path: string; choices: ReadonlyMap<string, string> } {
  const hash = /#(?=[a-z]+=)/.exec(name)?.index ?? name.length;
  const parts = name.slice(hash + 1).split("&");
  const choices = new Map(
    parts
      .filter((part) => part.includes("="))
      .map((part): [string, string] => {
        const equals = part.indexOf("=");
        return [part.slice(0, equals), part.slice(equals + 1)];
      }),
  );
  return { path: name.slice(0, hash), choices };
}

async function openFile(files: Files, path: string): Promise<ByteSource> {
  const source = await files.open(path).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    return fail("unreadable-data", `the file cannot be opened: ${reason}`, path);
  });
  if (source !== undefined) return source;
  return fail("unreadable-data", "there is no such file; check the path", path);
}

async function openSamples(
  source: ByteSource,
  path: string,
  choices: ReadonlyMap<string, string>,
  limits: Limits,
): Promise<Dataset> {
  const magic = await readRange(source, 0, Math.min(4, source.size));
  if (/\.npz$/i.test(path) || (magic[0] === 0x50 && magic[1] === 0x4b && magic[2] <= 5)) {
    onlyChoices(path, choices, ["x", "y"]);
    return openNpz(source, { x: choices.get("x"), y: choices.get("y") }, limits);
  }
  const content = await openContent(source);
  const start = await beginning(content);
  if (isNpy(start) || /\.npy(\.gz)?$/i.test(path)) {
    return recordsDataset(content, source.name, await readNpy(content, limits));
  }
  if (/\.(csv|tsv|txt)(\.gz)?$/i.test(path)) {
    onlyChoices(path, choices, ["target"]);
    return openCsv(content, choices.get("target"));
  }
  if (isIdx(start) || /idx\d/i.test(path)) {
    return recordsDataset(content, source.name, await readIdx(content, limits));
  }
  return fail(
    "unreadable-data",
    "this is no data file that can be read; choose an .npz, .npy, IDX (-images-idx3-ubyte.gz) or .csv file, or a folder of PNG or JPEG files",
    source.name,
    "byte 0",
  );
}

async function openFolder(
  folder: Folder,
  files: Files,
  { labels, pictures: how = {}, limits = USUAL_LIMITS }: OpenOptions,
): Promise<Dataset> {
  const pictures = { ...how, limits };
  if (labels === undefined) return openPictures(folder, pictures, foldersAsClasses(folder));
  const source = await openFile(files, labels);
  const content = await openContent(source);
  const start = await beginning(content);
  if (!isIdx(start) && !isNpy(start) && (await isTable(content)))
    return openPictures(folder, pictures, await namedLabels(content, picturesOf(folder)));
  return labelled(await openPictures(folder, pictures, undefined), await openLabels(source));
}

function onlyChoices(
  path: string,
  choices: ReadonlyMap<string, string>,
  known: readonly string[],
): void {
  for (const choice of choices.keys()) {
    if (known.includes(choice)) continue;
    const use = known.length === 0 ? "leave it out" : `use ${known.join(" or ")}`;
    fail("bad-request", `#${choice}= means nothing here; ${use}`, path);
  }
}

async function addLabels(
  dataset: Dataset,
  path: string,
  files: Files,
  labels: string | undefined,
): Promise<Dataset> {
  if (labels !== undefined)
    return labelled(dataset, await openLabels(await openFile(files, labels)));
  if (dataset.labelled || dataset.features !== undefined) return dataset;
  for (const name of labelNames(path)) {
    const source = await files.open(name);
    if (source !== undefined) return labelled(dataset, await openLabels(source));
  }
  return dataset;
}
