import assert from "node:assert/strict";
import type { ModelFile } from "./modelFiles.ts";
import { type Checked, checkPlans, ROUNDING } from "./planCheck.ts";

/** Of float32 sums in deep networks, where float64 sums are alike. */
const DEEP = 1e-4;
/** Of float64 sums. */
const FINE = 1e-9;
/** What units that are masked nowhere would make out at least. */
const SEEN = 1e-3;

/** Prunes a model by random plans; the relative differences must be rounding. */
export async function assertEqualsMasked(file: ModelFile, plans: number): Promise<Checked> {
  const checked = await checkPlans(file, plans);
  if (checked.plans === 0) return checked;
  const { runtime, file: itself = 0, reference, unmasked } = checked;
  const most = reference === undefined ? ROUNDING : DEEP;
  assert.ok(runtime! <= most, `ONNX Runtime: ${runtime}`);
  assert.ok(itself <= most, `the file in ONNX Runtime: ${itself}`);
  assert.ok((reference ?? 0) <= FINE, `float64: ${reference}`);
  assert.ok(unmasked! >= SEEN, `nothing was lost: ${unmasked}`);
  return checked;
}

/** Collects what was checked; `print` shows it in a long run. */
export function planTable() {
  const rows: Checked[] = [];
  return {
    add(row: Checked): Checked {
      rows.push(row);
      return row;
    },
    print() {
      if (process.env.KAIBO_FUZZ === undefined) return;
      for (const { title, plans, groups, reference, runtime, file, seconds, because } of rows)
        console.log(
          plans === 0
            ? `| ${title} | – | – | ${because} |`
            : `| ${title} | ${groups} | ${plans} | float64 ${show(reference)}, ONNX Runtime ${show(runtime)}, file ${show(file)} | ${seconds.toFixed(1)} s |`,
        );
    },
  };
}

const show = (x: number | undefined): string => (x === undefined ? "–" : x.toExponential(1));
