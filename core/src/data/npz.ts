import { type Limits, USUAL_LIMITS } from "../limits.ts";
import { fail } from "../problem.ts";
import type { Content } from "./content.ts";
import type { ByteSource, Dataset } from "./dataset.ts";
import { labelled } from "./labelled.ts";
import { readNpy } from "./npy.ts";
import { recordsDataset } from "./records.ts";
import { openZip } from "./zip.ts";

/**
 * Samples `x` and labels `y` (may be missing) of a .npz archive; `arrays` names other arrays.
 * Rejects with ProblemError.
 */
export async function openNpz(
  source: ByteSource,
  arrays: { readonly x?: string | undefined; readonly y?: string | undefined } = {},
  limits: Limits = USUAL_LIMITS,
): Promise<Dataset> {
  const contents = await openZip(source);
  const find = (name: string): Content | undefined =>
    contents.get(`${name}.npy`) ?? contents.get(`${name.toUpperCase()}.npy`);
  const x = find(arrays.x ?? "x");
  const y = find(arrays.y ?? "y");
  if (x === undefined || (y === undefined && arrays.y !== undefined)) {
    const missing = x === undefined ? (arrays.x ?? "x") : arrays.y;
    const names = [...contents.keys()].map((name) => name.replace(/\.npy$/, "")).join(", ");
    fail(
      "unreadable-data",
      `there is no array ${missing}, only ${names || "nothing"}; name the arrays: file.npz#x=NAME&y=NAME`,
      source.name,
    );
  }
  const samples = recordsDataset(x, source.name, await readNpy(x, limits));
  return y === undefined
    ? samples
    : labelled(samples, recordsDataset(y, source.name, await readNpy(y, limits)));
}
