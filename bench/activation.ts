import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Row } from "./row.ts";

/** P12: the editor test measures it in a real VS Code and leaves it in out/activation.json. */
export const activationRow: Row = {
  id: "P12",
  async measure() {
    const base = {
      id: "P12",
      work: "activation of the extension",
      target: { most: 100, unit: "ms" },
      aim: { most: 50, unit: "ms" },
    } as const;
    const milliseconds = await measured();
    if (milliseconds === undefined)
      return {
        ...base,
        status: "skipped",
        note: "run the editor tests (test/editor): they write out/activation.json",
      };
    return {
      ...base,
      status: "measured",
      ours: `${milliseconds} ms`,
      value: milliseconds,
      details: { milliseconds },
    };
  },
};

/** The file holds { "milliseconds": 12 }. */
async function measured(): Promise<number | undefined> {
  try {
    const text = await readFile(join(import.meta.dirname, "../out/activation.json"), "utf8");
    const { milliseconds } = JSON.parse(text) as { milliseconds?: unknown };
    return typeof milliseconds === "number" ? milliseconds : undefined;
  } catch {
    return undefined;
  }
}
