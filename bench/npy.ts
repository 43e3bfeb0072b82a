import { writeFile } from "node:fs/promises";

/** Writes float32 values as numpy's .npy (version 1): both Kaibo and the peers read it. */
export async function writeNpy(
  path: string,
  shape: readonly number[],
  data: Float32Array,
): Promise<void> {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  // Magic, version and length take 10 bytes; the data starts at a multiple of 64.
  const header = `${text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11)}\n`;
  const start = Buffer.from([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  start.writeUInt16LE(header.length, 8);
  const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  await writeFile(path, Buffer.concat([start, Buffer.from(header, "latin1"), bytes]));
}
