/** What client and server say to each other beyond LSP. Names are method names on the wire. */
import type { BeforeAfter, PruneCost } from "./views/cost.ts";
import type { RemovalCurve, RemovalOrder } from "./views/curve.ts";
import type { FindingCode } from "./views/finding.ts";
import type { Criterion, LayerUnits } from "./views/ranking.ts";

/** A listing's URI: scheme `kaibo`, the model's path with `.nnl` added. */
export const LISTING_SCHEME = "kaibo";
export const LISTING_LANGUAGE = "kaibo-listing";
export const LISTING_EXTENSION = ".nnl";

/** Commands the server executes (workspace/executeCommand). */
export const commands = {
  /** [modelPath]: computes importance (again), with progress. */
  computeImportance: "kaibo.server.computeImportance",
  /** [modelPath]: puts back what the model was before Kaibo first changed it. */
  restoreOriginal: "kaibo.server.restoreOriginal",
  /** [listing's URI, layer?]: see `guardRequest`; applies the edit and says what came of it. */
  pruneWithinGuard: "kaibo.server.pruneWithinGuard",
  /** [modelPath]: opens a model, or its data, that is over a limit (`Settings.limits`); until the server ends. */
  openAnyway: "kaibo.server.openAnyway",
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

/** What a prune did. */
export interface PruneReport extends PruneCost {
  readonly model: string;
  /** What ran the check, with its backend: "onnxruntime", "tfjs (wasm)". */
  readonly engine?: string;
  /** Largest |difference| between the new file's outputs and the original's with the units masked to 0. */
  readonly maskedDifference?: number;
  /** The module's tensors that were cut with it. */
  readonly twin?: TwinReport;
  /** Names the kept original for `undoPruneRequest`. */
  readonly undo: string;
}

/** Tensors under the names of a state_dict, cut like the model. */
export interface TwinReport {
  /** The file that was written. */
  readonly output: string;
  /** How many of them lost something. */
  readonly tensors: number;
  readonly bytes: BeforeAfter;
}

/** Server → client, where the client can (see `InitializationOptions`): a question before a prune is written. */
export const confirmRequest = "kaibo/confirm";
export interface ConfirmParams {
  readonly message: string;
  readonly detail: string;
  /** What the button says that answers true. */
  readonly accept: string;
}

/** Client → server: what saving the listing would cost. Rejects with a message for people, as saving would. */
export const costRequest = "kaibo/cost";
export interface CostParams {
  /** Of a listing that is open. */
  readonly uri: string;
}
export interface CostAnswer {
  readonly cost: PruneCost;
  readonly message: string;
  readonly detail: string;
  /** A prune of fewer units that runs faster. */
  readonly rounded?: { readonly action: string; readonly text: string };
}

/** Client → server: puts an original back that a prune kept. Rejects when the file changed since. */
export const undoPruneRequest = "kaibo/undoPrune";
export interface UndoPruneParams extends ListingParams {
  /** See `PruneReport`; the last prune when absent, also one of an earlier session. */
  readonly undo?: string;
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

/** Client → server: what a panel's form offers. Rejects when there is no such file. */
export const factsRequest = "kaibo/facts";
export interface ModelFacts {
  /** File name. */
  readonly name: string;
  readonly revision: string;
  /** `prunable`: units of it can go. */
  readonly layers: readonly {
    readonly name: string;
    readonly units: number;
    readonly prunable: boolean;
  }[];
  /** Name of the data that kaibo.json gives, if it does. */
  readonly data?: string;
  /** Name of the data to train on. */
  readonly train?: string;
  /** Loss of accuracy up to which a prune is not worse: of kaibo.json or the settings. */
  readonly accuracyGuard: number;
}

/**
 * Client → server: accuracy against what is removed, on the data that kaibo.json names. Work-done progress
 * goes to the token of the params; cancelling the request ends the computation. Rejects with a message for
 * people.
 */
export const removalCurveRequest = "kaibo/removalCurve";
export interface RemovalCurveParams extends ListingParams {
  readonly question: CurveQuestion;
  /** Only what was computed before: otherwise the answer is null. */
  readonly stored: boolean;
  readonly workDoneToken?: string;
}
export interface CurveQuestion {
  readonly removes: RemovalCurve["removes"];
  /** Empty: all layers whose units can go, as one ranking. */
  readonly layers: readonly string[];
  readonly criterion: Criterion;
  readonly orders: readonly RemovalOrder[];
  /** Also with the fully connected part trained again, on the data `train` of kaibo.json. */
  readonly retrain: boolean;
}
export interface RemovalCurveAnswer {
  readonly curve: RemovalCurve;
  /** Of the model that the curve describes. */
  readonly revision: string;
}

/** Client → server: where units stand in a listing that is open in the editor. */
export const unitLinesRequest = "kaibo/unitLines";
export interface UnitLinesParams {
  readonly uri: string;
  readonly units: readonly LayerUnits[];
}
export interface UnitLines {
  /** Of the document that was looked at. */
  readonly version: number;
  /** Numbers of lines, ascending, from 0. */
  readonly lines: readonly number[];
}

/**
 * Client → server: as many groups of units as can go while accuracy stays within the guard (`accuracyGuard`
 * of kaibo.json or the settings), smallest importance first, and where they stand in the listing. Progress
 * and cancelling as with a removal curve. Rejects with a message for people.
 */
export const guardRequest = "kaibo/guard";
export interface GuardParams {
  /** Of a listing that is open, with nothing deleted. */
  readonly uri: string;
  /** The layer whose units go; all together when absent. */
  readonly layer?: string;
  readonly workDoneToken?: string;
}
export interface GuardAnswer extends UnitLines {
  /** Groups of coupled units; 0 where none can go. */
  readonly groups: number;
  /** Share of the samples classified as labelled. */
  readonly accuracy: BeforeAfter;
  /** How much of it may go. */
  readonly drop: number;
  /** All that in one sentence for people. */
  readonly message: string;
}

/** Client → server: what is deleted in a listing that is open, as a prune plan (docs/plans.md). */
export const exportPlanRequest = "kaibo/exportPlan";
export interface ExportPlanParams {
  readonly uri: string;
}
export interface ExportedPlan {
  /** JSON; absent where nothing is deleted. */
  readonly text?: string;
}

/** Client → server: the units that a plan file removes from a model. Rejects with a message for people. */
export const importPlanRequest = "kaibo/importPlan";
export interface ImportPlanParams extends ListingParams {
  /** Absolute path of the plan. */
  readonly plan: string;
}
export interface ImportedPlan {
  /** Coupled units among them. */
  readonly units: readonly LayerUnits[];
  /** The plan was made for another file with the same layers. */
  readonly other: boolean;
}

/**
 * Client → server: trains the model file further, and keeps the original as a prune does. Progress as with
 * a removal curve. Cancelling the request keeps the best weights so far; the answer is null where those are
 * the model's own. Rejects with a message for people.
 */
export const retrainRequest = "kaibo/retrain";
export interface RetrainParams extends ListingParams {
  /** The fully connected layers behind the features, or all weights. */
  readonly trainable: "head" | "all";
  /** Times through the data at most. */
  readonly epochs: number;
  /** Absolute path of the data, prepared as `data` of kaibo.json is; what `train` names there when absent. */
  readonly train?: string;
  readonly workDoneToken?: string;
}
export interface Retrained {
  /** Share classified as labelled; absent where the outputs are no classes. */
  readonly accuracy?: BeforeAfter;
  /** Mean over the samples that were held out of training. */
  readonly loss: BeforeAfter;
  /** Name of the data that accuracy is of; absent: of the samples that were held out. */
  readonly data?: string;
  /** Whose weights they are; 0: none was better than the model as it was, and it stays. */
  readonly epoch: number;
  readonly cancelled: boolean;
  /** Names the kept original for `undoPruneRequest`; absent where the model stays as it was. */
  readonly undo?: string;
}

/** Client → server: the listings of two models with what is the same on equal lines. Rejects with a message for people. */
export const diffRequest = "kaibo/diff";
export interface DiffParams {
  /** Absolute paths of the model files. */
  readonly before: string;
  readonly after: string;
}
export interface DiffAnswer {
  readonly same: boolean;
  readonly before: string;
  readonly after: string;
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
  /** Whether a prune asks before it is written: when accuracy or latency get worse, always, or never. */
  readonly confirmPrune: "whenWorse" | "always" | "never";
  /** Loss of accuracy up to which a prune is not worse. kaibo.json overrides. */
  readonly accuracyGuard: number;
  readonly findings: Readonly<Record<FindingCode, FindingLevel>>;
  /** Beyond which files are not opened unless people say so. */
  readonly limits: {
    /** Nodes of a graph. */
    readonly nodes: number;
    /** MiB that weights may unpack to. */
    readonly memory: number;
    /** Of one picture. */
    readonly pixels: number;
  };
}
export type FindingLevel = "off" | "hint" | "information" | "warning" | "error";

/** initializationOptions. */
export interface InitializationOptions {
  /** Folder for cached results and kept originals. */
  readonly storage?: string;
  /** Display language, "en" or "ja". */
  readonly locale?: string;
  /** The client answers `confirmRequest`; otherwise window/showMessageRequest asks. */
  readonly confirms?: boolean;
}
