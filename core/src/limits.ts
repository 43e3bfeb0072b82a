import { type Problem, ProblemError, problem } from "./problem.ts";

/**
 * What is read of a file at most, so that one that is hostile or damaged fills no memory and takes no
 * hours. People raise them by settings or open a file anyway. What a file says of itself and cannot be
 * true (a tensor without its bytes, a path that leaves the folder) is refused whatever the limits are.
 */
export interface Limits {
  /** Nodes of a graph, functions put in; objects of an HDF5 file. An ONNX file has four messages for each. */
  readonly nodes: number;
  /** Calls of Keras layers. */
  readonly layers: number;
  /** Bytes of one text, list or structure of a model file; tensors are none. */
  readonly textBytes: number;
  /** Bytes of a model.json. */
  readonly jsonBytes: number;
  /** Bytes of one array that may be stored in fewer (HDF5). */
  readonly tensorBytes: number;
  /** Bytes that packed weights unpack to in memory. */
  readonly unpackedBytes: number;
  /** Pixels of one picture. */
  readonly pixels: number;
  /** Bytes of the file of one picture. */
  readonly pictureBytes: number;
  /** Values of one sample of data. */
  readonly sampleValues: number;
  /** Files in a folder of data, with those in folders below. */
  readonly files: number;
}

/** What settings say: the limits of files of one kind go up and down together. */
export interface LimitSettings {
  /** Nodes of a graph; a tenth of it layers of Keras. */
  readonly nodes: number;
  /** MiB that packed weights unpack to; texts, JSON and arrays in proportion. */
  readonly memory: number;
  /** Pixels of one picture; its file, and one sample of other data, in proportion. */
  readonly pixels: number;
}

export const USUAL_SETTINGS: LimitSettings = { nodes: 1_000_000, memory: 2048, pixels: 2 ** 25 };

export function limitsOf({ nodes, memory, pixels }: LimitSettings): Limits {
  const unpackedBytes = memory * 2 ** 20;
  return {
    nodes,
    layers: Math.ceil(nodes / 10),
    textBytes: unpackedBytes / 32,
    jsonBytes: unpackedBytes / 8,
    tensorBytes: unpackedBytes * 8,
    unpackedBytes,
    pixels,
    pictureBytes: pixels * 4,
    sampleValues: pixels * 2,
    files: 2_000_000,
  };
}

export const USUAL_LIMITS: Limits = limitsOf(USUAL_SETTINGS);

/** For files that are opened anyway. */
export const NO_LIMITS: Limits = {
  nodes: Infinity,
  layers: Infinity,
  textBytes: Infinity,
  jsonBytes: Infinity,
  tensorBytes: Infinity,
  unpackedBytes: Infinity,
  pixels: Infinity,
  pictureBytes: Infinity,
  sampleValues: Infinity,
  files: Infinity,
};

const SETTINGS: Readonly<Record<keyof Limits, keyof LimitSettings | undefined>> = {
  nodes: "nodes",
  layers: "nodes",
  textBytes: "memory",
  jsonBytes: "memory",
  tensorBytes: "memory",
  unpackedBytes: "memory",
  pixels: "pixels",
  pictureBytes: "pixels",
  sampleValues: "pixels",
  files: undefined,
};

/**
 * Why a file is over a limit, and what to do.
 * @param has what the file has of it: "the graph has 1,200,000 nodes"
 * @param most the limit that it is over
 */
export function beyond(has: string, limit: keyof Limits, most: number): string {
  const setting = SETTINGS[limit];
  const raise = setting === undefined ? "" : `raise kaibo.limits.${setting}, or `;
  return `${has}, and the limit is ${most.toLocaleString("en")}: if you trust the file, ${raise}open it anyway (--open-anyway, or the quick fix in the editor)`;
}

/** The same as a problem. */
export function overLimit(
  limits: Limits,
  limit: keyof Limits,
  has: string,
  file: string,
  place?: string,
): Problem {
  return problem("over-limit", beyond(has, limit, limits[limit]), file, place);
}

/** Throws the problem towards the nearest boundary. */
export function refuseOver(...given: Parameters<typeof overLimit>): never {
  throw new ProblemError(overLimit(...given));
}

/** For messages: "1,200,000". */
export const many = (count: number): string => count.toLocaleString("en");
