import { damaged } from "./pngChunks.ts";

/**
 * Takes the filters off lines that each start with their filter's number (ISO/IEC 15948, clause 9).
 * @param line bytes of a line, without that number
 * @param pixel bytes between a byte and its neighbour on the left
 */
export function unfilter(raw: Uint8Array, line: number, pixel: number): Uint8Array {
  const rows = line === 0 ? 0 : raw.length / (line + 1);
  const out = new Uint8Array(rows * line);
  for (let row = 0; row < rows; row++) {
    const from = row * (line + 1) + 1;
    const to = row * line;
    const left = (i: number) => (i < pixel ? 0 : out[to + i - pixel]);
    const up = (i: number) => (row === 0 ? 0 : out[to + i - line]);
    const corner = (i: number) => (row === 0 || i < pixel ? 0 : out[to + i - line - pixel]);
    switch (raw[from - 1]) {
      case 0:
        out.set(raw.subarray(from, from + line), to);
        break;
      case 1:
        for (let i = 0; i < line; i++) out[to + i] = raw[from + i] + left(i);
        break;
      case 2:
        for (let i = 0; i < line; i++) out[to + i] = raw[from + i] + up(i);
        break;
      case 3:
        for (let i = 0; i < line; i++) out[to + i] = raw[from + i] + ((left(i) + up(i)) >> 1);
        break;
      case 4:
        for (let i = 0; i < line; i++)
          out[to + i] = raw[from + i] + paeth(left(i), up(i), corner(i));
        break;
      default:
        damaged(`line ${row} has filter ${raw[from - 1]}`);
    }
  }
  return out;
}

/** Whichever neighbour is nearest to left + up − corner. */
function paeth(left: number, up: number, corner: number): number {
  const a = Math.abs(up - corner);
  const b = Math.abs(left - corner);
  const c = Math.abs(left + up - 2 * corner);
  return a <= b && a <= c ? left : b <= c ? up : corner;
}
