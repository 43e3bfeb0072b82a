import { strFromU8 } from "fflate";
import type { ByteSource } from "../../data/dataset.ts";
import { Reader } from "../../data/reader.ts";
import { openZip } from "../../data/zip.ts";
import { readDirectory, type ZipEntry } from "../../data/zipDirectory.ts";
import { type Limits, many, refuseOver, USUAL_LIMITS } from "../../limits.ts";
import { fail, ProblemError, problem } from "../../problem.ts";
import type { Opened, Siblings } from "../format.ts";
import { settled } from "../onnx/read.ts";
import { type BuildOptions, type Built, buildKeras } from "./build.ts";
import { isHdf5, memberAt, type Object5, openHdf5 } from "./hdf5/hdf5.ts";
import { isRecord, record, text } from "./json.ts";
import { containerWeights, legacyWeights } from "./sources.ts";
import { elementIn } from "./tensors.ts";
import type { WeightSource } from "./weightSource.ts";

export const CONFIG = "config.json";
export const METADATA = "metadata.json";
export const WEIGHTS = "model.weights.h5";
/** Where .h5 files keep the configuration, and the group of their weights. */
export const CONFIG_ATTRIBUTE = "model_config";
export const LEGACY_WEIGHTS = "model_weights";

const ZIP = [0x50, 0x4b];

/** A model file, taken apart. */
export interface KerasFile {
  readonly container: "keras" | "h5";
  readonly config: unknown;
  /** The tree of the weights' HDF5 file: the file itself, or inside the zip. */
  readonly root: Object5;
  /** Bytes of that HDF5 file. */
  readonly weightsFile: ByteSource;
  readonly weights: WeightSource;
  readonly options: BuildOptions;
}

export const read = (
  source: ByteSource,
  _siblings: Siblings,
  limits: Limits = USUAL_LIMITS,
): Promise<Opened> =>
  settled(source, async () => {
    const { model, problems } = build(await openKeras(source, limits));
    return { model, problems };
  });

export function build({ config, weights, options, root }: KerasFile): Built {
  const built = buildKeras(config, weights, options);
  const elements = [...built.stored.values()].map((path) => {
    const object = path === undefined ? undefined : memberAt(root, path);
    return object && elementIn(object)?.name;
  });
  const widened = ["float16", "bfloat16"].filter((name) => elements.includes(name));
  return { ...built, model: { ...built.model, facts: { ...built.model.facts, widened } } };
}

/** Rejects with ProblemError for what is no Keras model. `whole`: with what only writing needs, too. */
export async function openKeras(
  source: ByteSource,
  limits: Limits = USUAL_LIMITS,
  whole = false,
): Promise<KerasFile> {
  const head = await source.read(0, Math.min(8, source.size));
  if (isHdf5(head)) return openLegacy(source, limits, whole);
  if (head[0] !== ZIP[0] || head[1] !== ZIP[1])
    return fail(
      "unreadable-model",
      "it begins neither as HDF5 nor as a zip archive: it is damaged or no Keras model",
      source.name,
      "byte 0",
    );
  return inModel(() => openArchive(source, limits, whole));
}

async function openLegacy(source: ByteSource, limits: Limits, whole: boolean): Promise<KerasFile> {
  const root = await openHdf5(source, whole ? all : withoutOptimizer, limits);
  const configText = await textAttribute(root, CONFIG_ATTRIBUTE);
  if (configText === undefined)
    return fail(
      "unreadable-model",
      root.members.has("layers") ||
        root.members.has(LEGACY_WEIGHTS) ||
        root.attributes.has("layer_names")
        ? 'it holds weights without the model: save it with model.save("model.keras")'
        : "it is HDF5, but no Keras model",
      source.name,
    );
  const version = (await textAttribute(root, "keras_version")) ?? "";
  const under = root.members.get(LEGACY_WEIGHTS);
  return {
    container: "h5",
    config: parsed(configText, source.name, CONFIG_ATTRIBUTE),
    root,
    weightsFile: source,
    weights: await legacyWeights(root, under === undefined ? "" : LEGACY_WEIGHTS),
    options: optionsOf(source, version, ".h5", new Map(), limits),
  };
}

async function openArchive(source: ByteSource, limits: Limits, whole: boolean): Promise<KerasFile> {
  const contents = await openZip(source);
  const jsonOf = async (name: string) => {
    const content = contents.get(name);
    if (content === undefined) return undefined;
    const size = content.size ?? 0;
    if (size > limits.textBytes)
      refuseOver(
        limits,
        "textBytes",
        `${name} has ${many(size)} bytes`,
        source.name,
        `entry ${name}`,
      );
    const bytes = await new Reader(content).takeUpTo(content.limit);
    return parsed(strFromU8(bytes), source.name, `entry ${name}`);
  };
  const config = await jsonOf(CONFIG);
  if (config === undefined)
    return fail(
      "unreadable-model",
      `there is no ${CONFIG} in it: it is no Keras model`,
      source.name,
    );
  const metadata = record(await jsonOf(METADATA));
  const entry = (await readDirectory(source)).find((e) => e.name === WEIGHTS);
  if (entry === undefined)
    return fail(
      "unreadable-model",
      `there is no ${WEIGHTS} in it: sharded or missing weights are not supported; save it as one file`,
      source.name,
    );
  const weightsFile = await entrySource(source, entry, limits);
  const root = await openHdf5(weightsFile, whole ? all : withoutOptimizer, limits);
  const saved = text(metadata.date_saved);
  return {
    container: "keras",
    config,
    root,
    weightsFile,
    weights: containerWeights(root),
    options: optionsOf(
      source,
      text(metadata.keras_version),
      ".keras",
      new Map(saved === "" ? [] : [["date_saved", saved]]),
      limits,
    ),
  };
}

const all = (): boolean => true;
const withoutOptimizer = (path: string): boolean => !path.startsWith("/optimizer");

/** A stored entry is read where it lies; a packed one is unpacked in memory. */
async function entrySource(
  source: ByteSource,
  entry: ZipEntry,
  limits: Limits,
): Promise<ByteSource> {
  const name = `${source.name}, entry ${entry.name}`;
  if (entry.method === 0) {
    const header = await source.read(entry.offset, 30);
    const start = entry.offset + 30 + header[26] + 256 * header[27] + header[28] + 256 * header[29];
    if (start + entry.size > source.size)
      fail(
        "unreadable-model",
        "it goes past the end of the file",
        source.name,
        `entry ${entry.name}`,
      );
    return {
      name: source.name,
      size: entry.size,
      read: (offset, length) => source.read(start + offset, length),
    };
  }
  if (entry.size > limits.unpackedBytes) {
    const has = `its weights are packed (by Keras they are not) and unpack to ${many(entry.size)} bytes`;
    refuseOver(limits, "unpackedBytes", has, source.name, `entry ${entry.name}`);
  }
  const content = (await openZip(source)).get(entry.name);
  if (content === undefined)
    return fail("unreadable-model", "the entry is gone", source.name, name);
  const bytes = await new Reader(content).takeUpTo(content.limit);
  return {
    name: source.name,
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

async function textAttribute(root: Object5, name: string): Promise<string | undefined> {
  return (await root.attributes.get(name)?.texts())?.[0];
}

function parsed(json: string, file: string, place: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    return fail("unreadable-model", `the configuration is not valid JSON (${why})`, file, place);
  }
  if (!isRecord(value)) fail("unreadable-model", "the configuration is not an object", file, place);
  return value;
}

const optionsOf = (
  { name }: ByteSource,
  version: string,
  container: string,
  metadata: ReadonlyMap<string, string>,
  limits: Limits,
): BuildOptions => ({
  file: name,
  format: "keras",
  dialect: version === "" ? `keras, ${container}` : `keras ${version}, ${container}`,
  producer: version === "" ? "" : `keras ${version}`,
  metadata,
  limits,
});

/** What archives say of data is said of a model here. */
async function inModel<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof ProblemError) || error.problem.code !== "unreadable-data") throw error;
    const { message, at } = error.problem;
    throw new ProblemError(problem("unreadable-model", message, at.file, at.place));
  }
}
