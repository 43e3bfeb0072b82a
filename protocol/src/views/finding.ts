/** What was found about one unit, as diagnostics, `--json` and SARIF show it. */
export interface Finding {
  readonly code: FindingCode;
  readonly level: Exclude<FindingLevel, "off">;
  readonly layer: string;
  readonly unit: number;
  /** For people, in the language that was asked for. */
  readonly message: string;
  /** 1 for the layer's most important unit. */
  readonly rank: number;
}

export type FindingCode = "low-importance" | "dead-unit";

/** How loud a rule is; "off" silences it. */
export type FindingLevel = "off" | "hint" | "information" | "warning" | "error";
