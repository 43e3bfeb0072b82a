import { type Limits, USUAL_LIMITS } from "../limits.ts";
import { fail } from "../problem.ts";
import { byteAt, type Content } from "./content.ts";
import { type Element, element } from "./elements.ts";
import { Reader } from "./reader.ts";
import { type Records, records } from "./records.ts";

/** Value types of an IDX file by the third byte of its magic number; all are big-endian. */
const elements: Readonly<Record<number, Element>> = {
  8: element("u1", false),
  9: element("i1", false),
  11: element("i2", false),
  12: element("i4", false),
  13: element("f4", false),
  14: element("f8", false),
};

const maxDims = 8;

/** Whether a content that starts so is an IDX file: two zero bytes, value type, number of dimensions. */
export function isIdx(start: Uint8Array): boolean {
  return (
    start[0] === 0 && start[1] === 0 && start[2] in elements && start[3] >= 1 && start[3] <= maxDims
  );
}

/** Reads the header of an IDX file, the format of MNIST. Rejects with ProblemError. */
export async function readIdx(content: Content, limits: Limits = USUAL_LIMITS): Promise<Records> {
  const reader = new Reader(content);
  try {
    const magic = await reader.take(4);
    if (!isIdx(magic)) {
      fail(
        "unreadable-data",
        `not an IDX file: it starts with ${[...magic].join(" ")} instead of 0 0, a value type (8, 9, 11 to 14) and the number of dimensions; choose another file`,
        content.file,
        byteAt(content, 0),
      );
    }
    const bytes = await reader.take(4 * magic[3]);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    const dims = Array.from({ length: magic[3] }, (_, i) => view.getUint32(4 * i));
    return records(content, dims, elements[magic[2]], reader.position, limits);
  } finally {
    await reader.close();
  }
}
