/**
 * How the units stand along an axis of length outer·units·inner: unit u at
 * o·(units·inner) + u·inner + k, for o < outer and k < inner.
 */
export interface Arrangement {
  readonly units: number;
  readonly outer: number;
  readonly inner: number;
}

export const whole = (units: number): Arrangement => ({ units, outer: 1, inner: 1 });

/** The indices along the axis that belong to some units, ascending when the units are. */
export function indicesOf(
  { units, outer, inner }: Arrangement,
  chosen: readonly number[],
): number[] {
  const indices: number[] = [];
  for (let o = 0; o < outer; o++)
    for (const u of chosen)
      for (let k = 0; k < inner; k++) indices.push((o * units + u) * inner + k);
  return indices;
}
