import type { Connection } from "vscode-languageserver";
import { USUAL_LEVELS } from "#core/report/findings.ts";
import type { FindingLevel, Settings } from "#protocol/requests.ts";
import { ENGINES } from "../runtime/engines.ts";

export const DEFAULTS: Settings = {
  engine: "onnxruntime",
  processes: 0,
  sampleLimit: 0,
  lowImportance: 0.05,
  findings: USUAL_LEVELS,
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
  return {
    engine: ENGINES.find((e) => e === given.engine) ?? DEFAULTS.engine,
    processes: isCount(given.processes) ? given.processes : DEFAULTS.processes,
    sampleLimit: isCount(given.sampleLimit) ? given.sampleLimit : DEFAULTS.sampleLimit,
    lowImportance: isShare(given.lowImportance) ? given.lowImportance : DEFAULTS.lowImportance,
    findings: {
      "low-importance": level(findings, "low-importance"),
      "dead-unit": level(findings, "dead-unit"),
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

const LEVELS: readonly FindingLevel[] = ["off", "hint", "information", "warning", "error"];
const isCount = (v: unknown): v is number => Number.isInteger(v) && (v as number) >= 0;
const isShare = (v: unknown): v is number => typeof v === "number" && v >= 0 && v <= 1;
