/** The 16-bit floats nearest to the values, given the float32 bits of each. */
export function narrow(
  bits: (word: number) => number,
): (values: Float32Array | Float64Array) => Uint8Array {
  return (values) => {
    const words = new Int32Array(Float32Array.from(values).buffer);
    return new Uint8Array(Uint16Array.from(words, bits).buffer);
  };
}

/** binary32 to bfloat16: the upper half, to nearest, ties to even. */
export function toBfloat16(word: number): number {
  if ((word & 0x7fffffff) > 0x7f800000) return (word >>> 16) | 0x40;
  return (word + 0x7fff + ((word >>> 16) & 1)) >>> 16;
}

/** binary32 to binary16, to nearest, ties to even; beyond 65519 to infinity. */
export function toHalf(word: number): number {
  const sign = (word >>> 16) & 0x8000;
  const size = word & 0x7fffffff;
  if (size > 0x7f800000) return sign | 0x7e00;
  const exponent = (size >>> 23) - 112;
  if (exponent >= 31) return sign | 0x7c00;
  if (exponent > 0) return sign | rounded(size - (112 << 23), 13);
  // Subnormal: 2⁻²⁴ is the smallest; half of it rounds to zero.
  if (exponent < -10) return sign;
  return sign | rounded((size & 0x7fffff) | 0x800000, 14 - exponent);
}

/** A carry out of the fraction is the next exponent, up to infinity. */
function rounded(bits: number, dropped: number): number {
  const odd = (bits >>> dropped) & 1;
  return (bits + (1 << (dropped - 1)) - 1 + odd) >>> dropped;
}
