import type { Cutting, Edit, Writing } from "../../formats/edits.ts";
import { known } from "../../ir/tensor.ts";
import type { Structure } from "../coupling/structure.ts";

/** The edit that gives a stored tensor new numbers: those before the cuts, without what they remove. */
export function writingOf(
  structure: Structure,
  tensor: string,
  data: Float64Array,
  edits: readonly Edit[],
): Writing {
  const [value] = structure.stored.get(tensor)!;
  let shape = known(value.shape);
  let kept = data;
  for (const edit of edits)
    if (isCutOf(edit, tensor)) {
      kept = without(kept, shape, edit);
      shape = shape.with(edit.axis, shape[edit.axis] - edit.remove.length);
    }
  return { tensor, write: value.dtype === "float64" ? kept : Float32Array.from(kept) };
}

const isCutOf = (edit: Edit, tensor: string): edit is Cutting =>
  "remove" in edit && edit.tensor === tensor;

function without(
  data: Float64Array,
  shape: readonly number[],
  { axis, remove }: Cutting,
): Float64Array {
  const gone = new Set(remove);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const length = shape[axis];
  return data.filter((_, i) => !gone.has(Math.floor(i / inner) % length));
}
