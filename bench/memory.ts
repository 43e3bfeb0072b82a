import { median } from "#core/median.ts";
import { Pool } from "#server/compute/pool.ts";
import { computeImportance } from "#server/operations/importance.ts";
import { writeNet } from "./models.ts";
import { NETS, type NetSpec } from "./nets.ts";
import { peakMemory } from "./processes.ts";
import type { Bench, Row } from "./row.ts";

const FEW = 1_000;
const MANY = 10_000;

/** P13: peak memory of the compute processes, for ten times the samples. */
export const memoryRow: Row = {
  id: "P13",
  async measure(bench) {
    const base = {
      id: "P13",
      work: `peak memory of the compute processes, ${MANY} samples against ${FEW} (LeNet)`,
      target: { most: 1.1, unit: "" },
    } as const;
    const net = NETS.find((n) => n.id === "P1b") as NetSpec;
    const { model, data } = await writeNet(net);
    const few: number[] = [];
    const many: number[] = [];
    // Each in fresh processes, since peaks never fall.
    for (let i = 0; i < Math.min(3, bench.runs); i++)
      for (const [samples, peaks] of [[FEW, few] as const, [MANY, many] as const]) {
        const peak = await peakOf(bench, model, data, samples);
        if (peak === undefined) return { ...base, status: "skipped", note: "it is read in /proc" };
        bench.log(`  ${samples} samples: ${mebibytes(peak)}`);
        peaks.push(peak);
      }
    return {
      ...base,
      status: "measured",
      ours: `${mebibytes(median(many))} against ${mebibytes(median(few))}`,
      value: median(many) / median(few),
      details: { few, many },
    };
  },
};

async function peakOf({ script, threads }: Bench, model: string, data: string, limit: number) {
  const pool = new Pool({ script, processes: threads });
  try {
    const spec = { data, preprocess: {}, limit };
    await computeImportance(pool, { model, data: spec, measures: ["sigma"] });
    return peakMemory(pool.processes);
  } finally {
    pool.dispose();
  }
}

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
