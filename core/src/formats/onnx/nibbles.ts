/** How two 4-bit integers share a byte, the first in its lower half; an odd one out leaves the last half 0. */
export interface Packing {
  /** Bytes of so many elements. */
  size(count: number): number;
  /** One byte for each element, as int8 or uint8. */
  unpack(packed: Uint8Array, count: number): Uint8Array;
  pack(bytes: Uint8Array): Uint8Array;
}

const size = (count: number): number => Math.ceil(count / 2);

export const nibbles = (signed: boolean): Packing => ({
  size,
  unpack(packed, count) {
    const bytes = new Uint8Array(count);
    for (let i = 0; i < count; i++) {
      const half = (packed[i >> 1] >> (4 * (i & 1))) & 15;
      bytes[i] = signed ? (half ^ 8) - 8 : half;
    }
    return bytes;
  },
  pack(bytes) {
    const packed = new Uint8Array(size(bytes.length));
    for (let i = 0; i < bytes.length; i++) packed[i >> 1] |= (bytes[i] & 15) << (4 * (i & 1));
    return packed;
  },
});
