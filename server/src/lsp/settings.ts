import type { Connection } from "vscode-languageserver";
import { USUAL_LEVELS } from "#core/report/findings.ts";
import type { Settings } from "#protocol/requests.ts";

export const DEFAULTS: Settings = {
  engine: "onnxruntime",
  processes: 0,
  sampleLimit: 0,
  lowImportance: 0.05,
  findings: USUAL_LEVELS,
};

/** The user's settings; the defaults for editors that have none. */
export async function readSettings(connection: Connection, supported: boolean): Promise<Settings> {
  if (!supported) return DEFAULTS;
  const given = (await connection.workspace.getConfiguration("kaibo")) as Partial<Settings> | null;
  return { ...DEFAULTS, ...given, findings: { ...DEFAULTS.findings, ...given?.findings } };
}
