/** What was found about one unit, as diagnostics, `--json` and SARIF show it. */
export interface Finding {
  readonly code: FindingCode;
  readonly level: Exclude<FindingLevel, "off">;
  readonly layer: string;
  readonly unit: number;
  /** For people, in the language that was asked for. */
  readonly message: string;
  /** 1 for the layer's most important unit; 0 where importance is not known. */
  readonly rank: number;
  /** The weights alone show it, and the unit can go without a change of the outputs. */
  readonly exact?: true;
  /** The unit that gives the same, and stays. */
  readonly of?: number;
}

export type FindingCode = "low-importance" | "dead-unit" | "duplicate-unit" | "constant-unit";

/** How loud a rule is; "off" silences it. */
export type FindingLevel = "off" | "hint" | "information" | "warning" | "error";
