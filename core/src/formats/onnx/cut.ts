import { fail } from "../../problem.ts";
import type { TensorEdit, Writing } from "../edits.ts";
import { elementOf, rawBytes } from "./elements.ts";
import { byteSize, type Stored } from "./stored.ts";

/** The tensor after the edits that name it. Throws ProblemError where they do not fit it. */
export function edited(stored: Stored, edits: readonly TensorEdit[], file: string): Stored {
  const wrong = (why: string): never => fail("cannot-write", why, file, `tensor ${stored.name}`);
  let result = stored;
  let writing: Writing | undefined;
  const axes = new Set<number>();
  for (const edit of edits) {
    if ("write" in edit) {
      if (writing !== undefined) wrong("it is written twice");
      writing = edit;
    } else if ("replace" in edit) {
      if (edits.length > 1) wrong("it cannot be cut and replaced at once");
      result = replaced(stored, edit.replace, wrong);
    } else {
      if (axes.has(edit.axis)) wrong(`axis ${edit.axis} is cut twice`);
      axes.add(edit.axis);
      result = cut(result, edit.axis, edit.remove, wrong);
    }
  }
  return writing === undefined ? result : written(result, writing.write, wrong);
}

/** Float32 in place of a stored type that only stands for floats. */
function written(stored: Stored, values: Writing["write"], wrong: (why: string) => never): Stored {
  const { dtype } = stored.element;
  if (dtype !== "float32" && dtype !== "float64")
    return wrong(`only floats are written, not ${dtype}`);
  const count = stored.shape.reduce((n, d) => n * d, 1);
  if (values.length !== count)
    wrong(`${values.length} numbers do not fill shape [${stored.shape.join(", ")}]`);
  const element = stored.element.encode === undefined ? elementOf(1)! : stored.element;
  const bytes = element.encode!(values);
  if (element.bytes < values.BYTES_PER_ELEMENT) {
    const read = element.decode(bytes);
    const lost = values.findIndex((v, i) => Number.isFinite(v) && !Number.isFinite(read[i]));
    if (lost >= 0) wrong(`${values[lost]} is beyond the range of ${element.name}`);
  }
  return { ...stored, element, bytes: async () => bytes };
}

function replaced(
  stored: Stored,
  numbers: readonly number[],
  wrong: (why: string) => never,
): Stored {
  const { dtype } = stored.element;
  if (dtype !== "int64" && dtype !== "int32")
    return wrong(`only integers are replaced, not ${dtype}`);
  if (!numbers.every(Number.isSafeInteger)) wrong("the new numbers are not integers");
  const values = rawBytes(dtype, Float64Array.from(numbers));
  if (values.length !== byteSize(stored))
    wrong(`${numbers.length} numbers do not fill shape [${stored.shape.join(", ")}]`);
  return { ...stored, bytes: async () => values };
}

function cut(
  stored: Stored,
  axis: number,
  remove: readonly number[],
  wrong: (why: string) => never,
): Stored {
  const { shape, element } = stored;
  const length = shape[axis];
  if (length === undefined) return wrong(`there is no axis ${axis} in shape [${shape.join(", ")}]`);
  const ascending = remove.every(
    (r, i) => Number.isInteger(r) && r > (i === 0 ? -1 : remove[i - 1]) && r < length,
  );
  if (!ascending)
    wrong(`what is removed of axis ${axis} must be ascending indices below ${length}`);
  if (remove.length === 0) return stored;
  if (remove.length >= length) wrong(`nothing would be left of axis ${axis}`);
  const inner = shape.slice(axis + 1).reduce((a, b) => a * b, element.bytes);
  const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
  const runs = keptRuns(length, remove);
  return {
    ...stored,
    shape: shape.with(axis, length - remove.length),
    async bytes() {
      const whole = await stored.bytes();
      const kept = new Uint8Array(outer * (length - remove.length) * inner);
      let at = 0;
      for (let o = 0; o < outer; o++)
        for (const [from, to] of runs) {
          kept.set(whole.subarray((o * length + from) * inner, (o * length + to) * inner), at);
          at += (to - from) * inner;
        }
      return kept;
    },
  };
}

/** What stays of 0 … length, as [from, to). */
function keptRuns(length: number, remove: readonly number[]): [number, number][] {
  const runs: [number, number][] = [];
  let from = 0;
  for (const index of [...remove, length]) {
    if (index > from) runs.push([from, index]);
    from = index + 1;
  }
  return runs;
}
