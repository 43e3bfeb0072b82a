import type { Connection } from "vscode-languageserver";
import { USUAL_SETTINGS } from "#core/limits.ts";
import { USUAL_LEVELS } from "#core/report/findings.ts";
import type { FindingLevel, Settings } from "#protocol/requests.ts";
import { ENGINES } from "../runtime/engines.ts";

export const DEFAULTS: Settings = {
  engine: "onnxruntime",
  processes: 0,
  sampleLimit: 0,
  lowImportance: 0.05,
  confirmPrune: "whenWorse",
  accuracyGuard: 0.005,
  findings: USUAL_LEVELS,
  limits: USUAL_SETTINGS,
};

/** The user's settings; the defaults for editors that have none, and for what they got wrong. */
export async function readSettings(connection: Connection, supported: boolean): Promise<Settings> {
  if (!supported) return DEFAULTS;
  try {
    return decode(await connection.workspace.getConfiguration("kaibo"));
  } catch (error) {
    connection.console.error(`settings: ${(error as Error).message}`);
    return DEFAULTS;
  }
}

function decode(value: unknown): Settings {
  const given = fields(value);
  const findings = fields(given.findings);
  const limits = fields(given.limits);
  return {
    engine: ENGINES.find((e) => e === given.engine) ?? DEFAULTS.engine,
    processes: isCount(given.processes) ? given.processes : DEFAULTS.processes,
    sampleLimit: isCount(given.sampleLimit) ? given.sampleLimit : DEFAULTS.sampleLimit,
    lowImportance: isShare(given.lowImportance) ? given.lowImportance : DEFAULTS.lowImportance,
    confirmPrune: CONFIRM.find((c) => c === given.confirmPrune) ?? DEFAULTS.confirmPrune,
    accuracyGuard: isShare(given.accuracyGuard) ? given.accuracyGuard : DEFAULTS.accuracyGuard,
    findings: {
      "low-importance": level(findings, "low-importance"),
      "dead-unit": level(findings, "dead-unit"),
      "duplicate-unit": level(findings, "duplicate-unit"),
      "constant-unit": level(findings, "constant-unit"),
    },
    limits: {
      nodes: limit(limits, "nodes"),
      memory: limit(limits, "memory"),
      pixels: limit(limits, "pixels"),
    },
  };
}

type Fields = Readonly<Record<string, unknown>>;

const fields = (value: unknown): Fields =>
  typeof value === "object" && value !== null ? (value as Fields) : {};

function level(given: Fields, code: keyof Settings["findings"]): FindingLevel {
  const asked = given[code];
  return LEVELS.find((l) => l === asked) ?? DEFAULTS.findings[code];
}

function limit(given: Fields, key: keyof Settings["limits"]): number {
  const asked = given[key];
  return isCount(asked) && asked > 0 ? asked : DEFAULTS.limits[key];
}

const CONFIRM = ["whenWorse", "always", "never"] as const;
const LEVELS: readonly FindingLevel[] = ["off", "hint", "information", "warning", "error"];
const isCount = (v: unknown): v is number => Number.isInteger(v) && (v as number) >= 0;
const isShare = (v: unknown): v is number => typeof v === "number" && v >= 0 && v <= 1;
