import { zipSync } from "fflate";

/** An array of 32-bit floats. */
export interface Npy {
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

/** A .npz archive of arrays by their names. */
export function npz(arrays: Readonly<Record<string, Npy>>): Uint8Array {
  const files = Object.entries(arrays).map(([name, array]) => [`${name}.npy`, npy(array)]);
  return zipSync(Object.fromEntries(files));
}

/** A .npy file (version 1) of 32-bit floats. */
function npy({ shape, values }: Npy): Uint8Array {
  const text = `{'descr': '<f4', 'fortran_order': False, 'shape': (${shape.join(", ")},), }`;
  const header = text.padEnd(Math.ceil((text.length + 11) / 64) * 64 - 11);
  const head = new Uint8Array([0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59, 1, 0, 0, 0]);
  new DataView(head.buffer).setUint16(8, header.length + 1, true);
  return Buffer.concat([
    head,
    new TextEncoder().encode(`${header}\n`),
    new Uint8Array(Float32Array.from(values).buffer),
  ]);
}
