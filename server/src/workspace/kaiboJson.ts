import { readFile, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { type Channels, isLength, LENGTHS } from "#core/data/images/arrange.ts";
import type { Resize } from "#core/data/images/resample.ts";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { type Problem, problem } from "#core/problem.ts";
import { JsonError, parseJson } from "./parseJson.ts";

export const CONFIG_NAME = "kaibo.json";

/** What kaibo.json says of one model; paths are absolute. */
export interface ModelConfig {
  /** The kaibo.json it stands in. */
  readonly file: string;
  readonly data?: DataSpec;
  /** What the model is trained on. */
  readonly train?: DataSpec;
  readonly classes?: readonly string[];
  readonly lowImportance?: number;
  readonly accuracyGuard?: number;
  readonly suppress: readonly Suppression[];
}

/** A finding that is not reported: everywhere in the model, in one layer, or for some units. */
export interface Suppression {
  readonly finding: string;
  readonly layer?: string;
  readonly units?: readonly number[];
}

export interface FoundConfig {
  readonly config?: ModelConfig;
  readonly problem?: Problem;
}

/** Looks for the model in the kaibo.json beside it, and then in the folders above. */
export async function findConfig(model: string): Promise<FoundConfig> {
  for (let folder = dirname(model); ; folder = dirname(folder)) {
    const file = join(folder, CONFIG_NAME);
    if (await exists(file)) {
      const found = await readConfig(file, model);
      if (found.config !== undefined || found.problem !== undefined) return found;
    }
    if (dirname(folder) === folder) return {};
  }
}

async function exists(file: string): Promise<boolean> {
  try {
    return (await stat(file)).isFile();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR" || code === "EACCES") return false;
    throw error;
  }
}

async function readConfig(file: string, model: string): Promise<FoundConfig> {
  let json: unknown;
  try {
    json = parseJson(await readFile(file, "utf8"));
  } catch (error) {
    const { message } = error as Error;
    return {
      problem:
        error instanceof JsonError
          ? problem("bad-request", `it is not valid JSON: ${message}`, file, error.place)
          : problem("bad-request", `it cannot be read: ${message}`, file),
    };
  }
  const models = fields(json).models;
  if (!Array.isArray(models))
    return { problem: problem("bad-request", `expected a list "models"`, file) };
  const folder = dirname(file);
  const index = indexIn(models, folder, model);
  if (index < 0) {
    const nameless = models.findIndex((m) => !isText(fields(m).model));
    if (nameless < 0) return {};
    const place = `models[${nameless}].model`;
    return { problem: problem("bad-request", "expected the path of a model", file, place) };
  }
  try {
    return { config: decode(fields(models[index]), file, `models[${index}]`) };
  } catch (error) {
    if (error instanceof Wrong)
      return { problem: problem("bad-request", error.message, file, error.place) };
    throw error;
  }
}

/** Which of the `models` of a kaibo.json is a model; undefined where it is none, or the text no JSON. */
export function entryIndex(text: string, file: string, model: string): number | undefined {
  try {
    const { models } = fields(parseJson(text));
    const index = Array.isArray(models) ? indexIn(models, dirname(file), model) : -1;
    return index < 0 ? undefined : index;
  } catch (error) {
    if (error instanceof JsonError) return undefined;
    throw error;
  }
}

const indexIn = (models: readonly unknown[], folder: string, model: string): number =>
  models.findIndex((m) => {
    const name = fields(m).model;
    return typeof name === "string" && resolve(folder, name) === model;
  });

class Wrong extends Error {
  readonly place: string;
  constructor(place: string, expected: string) {
    super(`expected ${expected}`);
    this.place = place;
  }
}

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? (value as Fields) : {};

function decode(entry: Fields, file: string, place: string): ModelConfig {
  const folder = dirname(file);
  const path = (key: string) => {
    const value = optional(entry, key, place, isText, "a path");
    return value === undefined ? undefined : resolve(folder, value);
  };
  const classes = optional(entry, "classes", place, isTexts, "a list of names");
  const lowImportance = optional(entry, "lowImportance", place, isShare, "a share from 0 to 1");
  const accuracyGuard = optional(entry, "accuracyGuard", place, isShare, "a share from 0 to 1");
  const preprocess = input(entry, place);
  const spec = (key: string, labelsKey: string): DataSpec | undefined => {
    const [data, labels] = [path(key), path(labelsKey)];
    if (data === undefined) return undefined;
    return { data, ...defined({ labels }), preprocess };
  };
  const data = spec("data", "labels");
  const train = spec("train", "trainLabels");
  return {
    file,
    ...defined({ data, train, classes, lowImportance, accuracyGuard }),
    suppress: suppressions(entry, place),
  };
}

function input(entry: Fields, at: string): DataSpec["preprocess"] {
  const given = optional(entry, "input", at, isFields, "an object") ?? {};
  const place = `${at}.input`;
  const scale = optional(given, "scale", place, isNumber, "a number");
  const mean = optional(given, "mean", place, isNumbers, "a list of numbers");
  const std = optional(given, "std", place, isDivisors, "a list of numbers other than 0");
  const layout = optional(given, "layout", place, isLayout, `"NCHW" or "NHWC"`);
  const size = optional(
    given,
    "size",
    place,
    isSize,
    `a length, or [height, width], in ${LENGTHS}`,
  );
  const resize = optional(given, "resize", place, isResize, `"bilinear" or "nearest"`);
  const crop = optional(given, "crop", place, isPair, `[height, width] in ${LENGTHS}`);
  const channels = optional(given, "channels", place, isChannels, `"rgb", "bgr" or "grey"`);
  return {
    ...defined({ scale, mean, std, layout, size, resize, crop, channels }),
  };
}

function suppressions(entry: Fields, at: string): Suppression[] {
  const list = optional(entry, "suppress", at, Array.isArray, "a list") ?? [];
  return list.map((item: unknown, i): Suppression => {
    const place = `${at}.suppress[${i}]`;
    const finding = optional(fields(item), "finding", place, isText, "the name of a finding");
    if (finding === undefined) throw new Wrong(place, `"finding"`);
    const layer = optional(fields(item), "layer", place, isText, "the name of a layer");
    const units = optional(fields(item), "units", place, isUnits, "a list of unit numbers");
    return {
      finding,
      ...defined({ layer, units }),
    };
  });
}

function optional<T>(
  from: Fields,
  key: string,
  place: string,
  is: (value: unknown) => value is T,
  expected: string,
): T | undefined {
  const value = from[key];
  if (value === undefined) return undefined;
  if (!is(value)) throw new Wrong(`${place}.${key}`, expected);
  return value;
}

const isText = (v: unknown): v is string => typeof v === "string" && v !== "";
const isNumber = (v: unknown): v is number => typeof v === "number" && Number.isFinite(v);
const isShare = (v: unknown): v is number => isNumber(v) && v >= 0 && v <= 1;
const isTexts = (v: unknown): v is readonly string[] =>
  Array.isArray(v) && v.every((t) => typeof t === "string");
const isNumbers = (v: unknown): v is readonly number[] => Array.isArray(v) && v.every(isNumber);
const isDivisors = (v: unknown): v is readonly number[] => isNumbers(v) && !v.includes(0);
const isUnits = (v: unknown): v is readonly number[] =>
  isNumbers(v) && v.every((u) => Number.isInteger(u) && u >= 0);
const isFields = (v: unknown): v is Fields =>
  typeof v === "object" && v !== null && !Array.isArray(v);
const isPair = (v: unknown): v is readonly number[] =>
  isNumbers(v) && v.length === 2 && v.every(isLength);
const isSize = (v: unknown): v is number | readonly number[] =>
  isPair(v) || (isNumber(v) && isLength(v));
const isResize = (v: unknown): v is Resize => v === "bilinear" || v === "nearest";
const isChannels = (v: unknown): v is Channels => v === "rgb" || v === "bgr" || v === "grey";
const isLayout = (v: unknown): v is "NCHW" | "NHWC" => v === "NCHW" || v === "NHWC";
