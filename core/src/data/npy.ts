import { type Limits, USUAL_LIMITS } from "../limits.ts";
import { fail } from "../problem.ts";
import { byteAt, type Content } from "./content.ts";
import { type Element, element, isElementName } from "./elements.ts";
import { Reader } from "./reader.ts";
import { type Records, records } from "./records.ts";

const magic = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const maxHeader = 64 * 1024;

/** Whether a content that starts so is a numpy array: \x93NUMPY. */
export function isNpy(start: Uint8Array): boolean {
  return magic.every((byte, i) => start[i] === byte);
}

/**
 * Reads the header of a .npy file (format versions 1 to 3); the first axis counts samples.
 * Rejects with ProblemError, also for what numpy can store but is no dense table of numbers.
 */
export async function readNpy(content: Content, limits: Limits = USUAL_LIMITS): Promise<Records> {
  const reader = new Reader(content);
  try {
    const start = await reader.take(8);
    if (!isNpy(start)) unreadable(content, 0, "not a .npy file: it does not start with \\x93NUMPY");
    if (start[6] < 1 || start[6] > 3) {
      unreadable(content, 6, `format version ${start[6]} is unknown; save it with numpy.save`);
    }
    const lengthBytes = await reader.take(start[6] === 1 ? 2 : 4);
    const length = lengthBytes.reduceRight((total, byte) => total * 256 + byte, 0);
    if (length > maxHeader) {
      unreadable(content, 8, `a header of ${length} bytes is no header of a plain array`);
    }
    const at = reader.position;
    const header = String.fromCharCode(...(await reader.take(length)));
    const dims = shapeOf(content, header, at);
    if (dims.length > 1 && /'fortran_order'\s*:\s*True/.test(header)) {
      unreadable(
        content,
        at,
        "the array is in Fortran order; save numpy.ascontiguousarray(it) instead",
      );
    }
    return records(content, dims, elementOf(content, header, at), reader.position, limits);
  } finally {
    await reader.close();
  }
}

function shapeOf(content: Content, header: string, at: number): number[] {
  const text = /'shape'\s*:\s*\(([\d\s,L]*)\)/.exec(header)?.[1];
  if (text === undefined)
    unreadable(content, at, "the header has no shape; save it with numpy.save");
  const dims = (text.match(/\d+/g) ?? []).map(Number);
  if (dims.length === 0 || dims.length > 8) {
    unreadable(
      content,
      at,
      `an array of ${dims.length} dimensions holds no samples; the first of 1 to 8 dimensions counts them`,
    );
  }
  return dims;
}

function elementOf(content: Content, header: string, at: number): Element {
  const [, order, name] = /'descr'\s*:\s*'([<>|=]?)(\w+)'/.exec(header) ?? [];
  if (name === undefined || !isElementName(name)) {
    unreadable(
      content,
      at,
      `values of type ${name ?? "other than numbers"} cannot be read; save the array as float32 or integers`,
    );
  }
  return element(name, order !== ">");
}

function unreadable(content: Content, offset: number, message: string): never {
  fail("unreadable-data", message, content.file, byteAt(content, offset));
}
