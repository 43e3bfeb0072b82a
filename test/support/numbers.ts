import assert from "node:assert/strict";

/**
 * Every number within `tolerance` of the expected one, relative to it; numbers below `floor` times the
 * largest count as that large (they are differences of rounded sums).
 */
export function assertRelative(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  { tolerance, floor = 1e-6, what = "" }: Tolerance,
): void {
  assert.equal(actual.length, expected.length, what);
  let largest = 0;
  for (let i = 0; i < expected.length; i++) largest = Math.max(largest, Math.abs(expected[i]!));
  for (let i = 0; i < expected.length; i++) {
    const scale = Math.max(Math.abs(expected[i]!), floor * largest);
    const difference = Math.abs(actual[i]! - expected[i]!);
    assert.ok(
      difference <= tolerance * scale,
      `${what}[${i}]: ${actual[i]}, not ${expected[i]} (relative ${difference / scale})`,
    );
  }
}

interface Tolerance {
  readonly tolerance: number;
  readonly floor?: number;
  readonly what?: string;
}

/** Every number within `tolerance` of the expected one. */
export function assertNear(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what = "",
): void {
  assert.equal(actual.length, expected.length, what);
  for (let i = 0; i < expected.length; i++)
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance,
      `${what}[${i}]: ${actual[i]}, not ${expected[i]}`,
    );
}
