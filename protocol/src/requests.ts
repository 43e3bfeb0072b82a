/** What client and server say to each other beyond LSP. Names are method names on the wire. */

/** A listing's URI: scheme `kaibo`, the model's path with `.nnl` added. */
export const LISTING_SCHEME = "kaibo";
export const LISTING_LANGUAGE = "kaibo-listing";
export const LISTING_EXTENSION = ".nnl";

/** Commands the server executes (workspace/executeCommand). */
export const commands = {
  /** [modelPath]: computes importance (again), with progress. */
  computeImportance: "kaibo.server.computeImportance",
} as const;

/** Client → server: the text of a model's listing, with whatever results are known by now. */
export const listingRequest = "kaibo/listing";
export interface ListingParams {
  /** Absolute path of the model file. */
  readonly model: string;
}
export interface Listing {
  readonly text: string;
  /** Hash of the model file that the text describes; goes back with a save. */
  readonly revision: string;
  /** Milliseconds since the epoch: of the model file or of the newest result. */
  readonly mtime: number;
}

/**
 * Client → server: an edited listing was saved. Units whose lines are gone are pruned from the model
 * file (temporary file, verified, renamed). Rejects with a message for people when it cannot be done;
 * the file is then unchanged.
 */
export const saveRequest = "kaibo/save";
export interface SaveParams extends ListingParams {
  readonly text: string;
  readonly revision: string;
}
export interface SaveResult {
  /** Absent when no unit line was missing: nothing was written. */
  readonly pruned?: PruneReport;
  readonly listing: Listing;
}

/** What a prune did. Accuracies are absent without labelled data. */
export interface PruneReport {
  readonly model: string;
  readonly removed: readonly { readonly layer: string; readonly units: readonly number[] }[];
  readonly accuracy?: BeforeAfter;
  readonly parameters: BeforeAfter;
  readonly bytes: BeforeAfter;
  readonly macs: BeforeAfter;
  /** What ran the check, with its backend: "onnxruntime", "tfjs (wasm)". */
  readonly engine?: string;
  /** Largest |difference| between the new file's outputs and the original's with the units masked to 0. */
  readonly maskedDifference?: number;
  /** Names the kept original for `undoPruneRequest`. */
  readonly undo: string;
}
export interface BeforeAfter {
  readonly before: number;
  readonly after: number;
}

/** Client → server: puts the original back that a prune kept. Rejects when the file changed since. */
export const undoPruneRequest = "kaibo/undoPrune";
export interface UndoPruneParams extends ListingParams {
  readonly undo: string;
}

/** Server → client: the listing of a model has changed (results arrived, file changed). */
export const listingChanged = "kaibo/listingChanged";
export type ListingChangedParams = ListingParams;

/** Server → client: what the language status item shows for a model. */
export const modelStatus = "kaibo/modelStatus";
export interface ModelStatusParams extends ListingParams {
  readonly state: "reading" | "computing" | "ready" | "no-data" | "failed";
  /** One line for people: "10,000 samples; accuracy 0.9893", or what failed and what to do. */
  readonly detail: string;
}

/** Settings, section `kaibo`; the server asks for them with workspace/configuration. */
export interface Settings {
  /** What runs the graphs. */
  readonly engine: "onnxruntime" | "tfjs";
  /** Compute processes; 0: as many as cores. */
  readonly processes: number;
  /** Samples that importance is computed on at most; 0: all. */
  readonly sampleLimit: number;
  /** Share of the layer's largest importance below which a unit is reported. kaibo.json overrides. */
  readonly lowImportance: number;
  readonly findings: Readonly<Record<"low-importance" | "dead-unit", FindingLevel>>;
}
export type FindingLevel = "off" | "hint" | "information" | "warning" | "error";

/** initializationOptions. */
export interface InitializationOptions {
  /** Folder for cached results and kept originals. */
  readonly storage?: string;
  /** Display language, "en" or "ja". */
  readonly locale?: string;
}
