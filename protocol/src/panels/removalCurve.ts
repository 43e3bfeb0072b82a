/** The panel "Removal curve": what its webview asks of the client, and what it is told. */
import type { CurveQuestion, ModelFacts } from "../requests.ts";
import type { RemovalCurve } from "../views/curve.ts";
import type { Criterion, LayerUnits } from "../views/ranking.ts";

/** What the client answers. */
export interface RemovalCurveHost {
  /** First of all: everything there is to show. */
  open: { readonly params: PanelMemory | null; readonly result: Opening };
  /** Begins to compute, in place of what is computed now; `status` tells the rest. */
  compute: { readonly params: CurveQuestion; readonly result: null };
  cancel: { readonly params: null; readonly result: null };
  /** Deletes the units' lines in the listing; nothing is saved. The number of lines. */
  apply: { readonly params: readonly LayerUnits[]; readonly result: number };
  /** Asks where to, and writes; the path, or null when the user turned away. */
  save: { readonly params: Export; readonly result: string | null };
  /** Names data for the model in kaibo.json. */
  chooseData: { readonly params: null; readonly result: null };
}

/** What the webview answers. */
export interface RemovalCurvePanel {
  status: { readonly params: CurveStatus; readonly result: null };
  /** The model, its data or the trust in the workspace has changed. */
  facts: { readonly params: Facts; readonly result: null };
  /** The panel was asked for again, for another layer. */
  preselect: { readonly params: string; readonly result: null };
}

/** What a webview keeps of itself while it is hidden, and over a restart of the editor. */
export interface PanelMemory {
  /** Path of the model file. */
  readonly model: string;
  readonly question: CurveQuestion;
  /** Places in the curve's series and in the series' points. */
  readonly selected?: { readonly series: number; readonly point: number };
}

export interface Opening {
  readonly texts: RemovalCurveTexts;
  readonly facts: Facts;
  readonly question: CurveQuestion;
  readonly status: CurveStatus;
}

export interface Facts extends ModelFacts {
  /** Path of the model file. */
  readonly model: string;
  /** In Restricted Mode nothing is written. */
  readonly trusted: boolean;
}

export type CurveStatus =
  | { readonly kind: "empty" }
  /** `share` of the work that is done, 0 to 1; absent where it is not known. */
  | { readonly kind: "computing"; readonly share?: number; readonly detail: string }
  | {
      readonly kind: "done";
      readonly curve: RemovalCurve;
      /** Of the model that the curve describes. */
      readonly revision: string;
      readonly question: CurveQuestion;
    }
  | { readonly kind: "cancelled" }
  | { readonly kind: "failed"; readonly message: string };

export interface Export {
  readonly kind: "svg" | "png" | "csv";
  /** Text; a PNG in base64. */
  readonly content: string;
}

/** Texts of the chart; `{0}` stands for a value. */
export interface RemovalCurveLabels {
  readonly accuracy: string;
  readonly removed: string;
  readonly unitsRemoved: string;
  readonly groupsRemoved: string;
  readonly inputsRemoved: string;
  readonly baseline: string;
  readonly ascending: string;
  readonly descending: string;
  readonly random: string;
  readonly retrained: string;
  readonly area: string;
  readonly lowest: string;
  readonly highest: string;
}

export interface RemovalCurveTexts {
  readonly chart: RemovalCurveLabels;
  readonly criteria: Readonly<Record<Criterion, string>>;
  readonly title: string;
  readonly about: string;
  readonly what: string;
  readonly allLayers: string;
  readonly layer: string;
  readonly inputs: string;
  readonly criterion: string;
  readonly orders: string;
  readonly retrain: string;
  readonly noTrainingData: string;
  readonly compute: string;
  readonly cancel: string;
  readonly computing: string;
  readonly cancelled: string;
  readonly failed: string;
  readonly empty: string;
  readonly noData: string;
  readonly chooseData: string;
  readonly noLayers: string;
  readonly changed: string;
  readonly chartKind: string;
  readonly chartHelp: string;
  readonly point: string;
  readonly pointName: string;
  readonly pointAccuracy: string;
  readonly pointBand: string;
  readonly layerColumn: string;
  readonly removedColumn: string;
  readonly unitsColumn: string;
  readonly apply: string;
  /** The point up to which accuracy stays within so many points. */
  readonly guard: string;
  readonly noneWithin: string;
  readonly applied: string;
  readonly comparison: string;
  readonly inputsPoint: string;
  readonly nothingRemoved: string;
  readonly retrainedPoint: string;
  readonly restricted: string;
  readonly table: string;
  readonly export: string;
  readonly saved: string;
}
