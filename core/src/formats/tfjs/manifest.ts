import { type Problem, ProblemError, problem } from "../../problem.ts";
import type { Siblings } from "../format.ts";
import type { Element } from "../onnx/elements.ts";
import type { Stored } from "../onnx/stored.ts";
import { elementFor } from "./elements.ts";
import { type JsonRecord, list, record, text } from "./json.ts";
import { openShards, type Shards } from "./shards.ts";

/** The weights of a model: names, shapes, types, and where their bytes are. */
export interface Manifest {
  readonly groups: readonly Group[];
  /** In the order of the file; undefined: it cannot be read, a problem says why. */
  readonly weights: ReadonlyMap<string, Weight | undefined>;
  readonly problems: readonly Problem[];
}

/** Weights one after another in files that belong together. */
export interface Group {
  readonly shards: Shards;
  readonly entries: readonly Entry[];
}

export interface Entry {
  readonly name: string;
  /** Where its bytes begin in the group, and how many they are. */
  readonly start: number;
  readonly size: number;
}

export interface Weight extends Stored {
  readonly group: number;
  /** The element type stands for another: "float16", "uint8", "uint16". */
  readonly quantised: string | undefined;
}

type Tell = (why: string, place: string) => void;

/** Reads the manifest and looks for its files; what is wrong with one weight leaves the others. */
export async function readManifest(
  model: JsonRecord,
  siblings: Siblings,
  file: string,
): Promise<Manifest> {
  const problems: Problem[] = [];
  const tell: Tell = (why, place) =>
    void problems.push(problem("unreadable-model", why, file, place));
  if (!Array.isArray(model.weightsManifest))
    tell("there is no list of weights: the file is not complete", "weightsManifest");
  const groups: Group[] = [];
  const weights = new Map<string, Weight | undefined>();
  for (const [index, raw] of list(model.weightsManifest).entries()) {
    const place = `weightsManifest[${index}]`;
    const group = record(raw) ?? {};
    const paths = list(group.paths);
    if (!Array.isArray(group.weights) || !paths.every((p) => typeof p === "string"))
      tell("a group needs paths and weights", place);
    const shards = await openShards(paths.map(text), siblings, tell);
    const entries = await entriesOf(list(group.weights), { index, place, shards, weights, tell });
    groups.push({ shards, entries });
  }
  return { groups, weights, problems };
}

interface GroupContext {
  readonly index: number;
  readonly place: string;
  readonly shards: Shards;
  readonly weights: Map<string, Weight | undefined>;
  readonly tell: Tell;
}

/** The weights of a group one after another, up to the first whose length cannot be told. */
async function entriesOf(raw: readonly unknown[], context: GroupContext): Promise<Entry[]> {
  const { index, place, shards, weights, tell } = context;
  const entries: Entry[] = [];
  let start = 0;
  let lost = false;
  for (const [i, value] of raw.entries()) {
    const entry = record(value) ?? {};
    const name = text(entry.name);
    const at = `weight ${name || `${place}.weights[${i}]`}`;
    const twice = weights.has(name);
    if (!twice || lost) weights.set(name, undefined);
    if (lost) continue;
    const found = await describe(entry, start, shards);
    const why = twice ? "the name is given to two weights" : found.refused;
    if (why !== undefined) tell(why, at);
    if (found.size === undefined) {
      lost = true;
      continue;
    }
    const from = start;
    const { size, element, shape } = found;
    start += size;
    entries.push({ name, start: from, size });
    if (element === undefined || shape === undefined || twice) continue;
    if (start <= shards.size) {
      const quantised = record(entry.quantization) === undefined ? undefined : element.name;
      const bytes = () => shards.read(from, size);
      weights.set(name, { name, element, shape, bytes, group: index, quantised });
    } else if (shards.complete)
      tell(
        `shape [${shape.join(", ")}] of ${element.name} ends at byte ${start} of its files, which have ${shards.size}`,
        at,
      );
  }
  if (shards.complete && !lost && start < shards.size)
    tell(
      `its files have ${shards.size} bytes, its weights only ${start}: they do not belong together`,
      place,
    );
  return entries;
}

interface Described {
  /** How many bytes it takes; absent where that cannot be told, so neither where the next begins. */
  readonly size?: number;
  readonly element?: Element;
  readonly shape?: readonly number[];
  readonly refused?: string;
}

const LARGEST = 2 ** 40;

async function describe(entry: JsonRecord, start: number, shards: Shards): Promise<Described> {
  const shape = shapeOf(entry.shape);
  if (shape === undefined) return { refused: "its shape is not a list of numbers from 0" };
  if (text(entry.dtype) === "string") {
    // Strings only feed hash tables, which are refused where they are read.
    const size = await stringBytes(shape, start, shards);
    return size === undefined ? { refused: "its strings do not fit into its files" } : { size };
  }
  const element = elementFor(entry);
  if (typeof element === "string") return { refused: element };
  const size = shape.reduce((n, d) => n * d, element.bytes);
  return size <= LARGEST ? { size, element, shape } : { refused: "its size is absurd" };
}

function shapeOf(value: unknown): readonly number[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const isLength = (d: unknown): d is number =>
    typeof d === "number" && Number.isSafeInteger(d) && d >= 0;
  return value.every(isLength) ? value : undefined;
}

const MOST_STRINGS = 2 ** 24;

/** Each string has its length before it, in four bytes. */
async function stringBytes(
  shape: readonly number[],
  start: number,
  shards: Shards,
): Promise<number | undefined> {
  const count = shape.reduce((n, d) => n * d, 1);
  const left = shards.size - start;
  if (count * 4 > left || left > MOST_STRINGS) return undefined;
  const bytes = await shards.read(start, left);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  let at = 0;
  for (let i = 0; i < count; i++) {
    if (at + 4 > left) return undefined;
    at += 4 + view.getUint32(at, true);
  }
  return at <= left ? at : undefined;
}

/** The error of a reading that failed, as the problem of the model's file. */
export const asProblem = (error: unknown, file: string): Problem =>
  error instanceof ProblemError
    ? error.problem
    : problem(
        "unreadable-model",
        `the file cannot be read: ${error instanceof Error ? error.message : String(error)}`,
        file,
      );
