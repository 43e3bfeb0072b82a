import { Prints } from "./hash.ts";
import type { Rows } from "./rows.ts";
import type { SideLayer } from "./side.ts";

/** Whether all numbers of two layers are the same. */
export function sameNumbers(a: SideLayer, b: SideLayer): boolean {
  if (a.rows === undefined || b.rows === undefined) return false;
  const known = compared.get(a) ?? new Map<SideLayer, boolean>();
  compared.set(a, known);
  // Most layers of most comparisons are the same, and lie in memory alike.
  const same = known.get(b) ?? (alike(a, b) || printOf(a) === printOf(b));
  known.set(b, same);
  return same;
}

const compared = new WeakMap<SideLayer, Map<SideLayer, boolean>>();

function alike(a: SideLayer, b: SideLayer): boolean {
  const roles = [...a.own.keys()];
  return (
    a.kind === b.kind &&
    sameRows(a.rows, b.rows) &&
    sameRows(a.inner, b.inner) &&
    roles.length === b.own.size &&
    roles.every((role) => equal(a.own.get(role)!.values, b.own.get(role)?.values ?? []))
  );
}

function sameRows(a: Rows | undefined, b: Rows | undefined): boolean {
  const shape = ({ units, inputs, taps, groups, step, local }: Rows) =>
    [units, inputs, taps, groups, step.unit, step.input, step.tap, local].join();
  if (a === undefined || b === undefined) return a === b;
  return shape(a) === shape(b) && equal(a.data, b.data);
}

function equal(a: ArrayLike<number>, b: ArrayLike<number>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

/** A fingerprint of all numbers of a layer; absent where its weights have an unusual form. */
export function printOf(layer: SideLayer): string | undefined {
  if (!prints.has(layer)) prints.set(layer, made(layer));
  return prints.get(layer);
}

const prints = new WeakMap<SideLayer, string | undefined>();

function made({ rows, inner, own, kind }: SideLayer): string | undefined {
  if (rows === undefined) return undefined;
  const units = new Prints(rows.units);
  const add = (weights: Rows, salt: number) =>
    units.addRows(
      weights,
      Int32Array.from({ length: weights.inputs }, (_, i) => i),
      salt,
    );
  add(rows, 1);
  if (inner !== undefined) add(inner, 2);
  const roles = [...own.keys()].sort();
  roles.forEach((role, k) => {
    const { values, count } = own.get(role)!;
    units.addOwn(values, count, 1000 * (k + 1));
  });
  // In parts that a float32 holds exactly.
  const values = [...units.values()].flatMap((v) => [
    v % 2 ** 18,
    Math.floor(v / 2 ** 18) % 2 ** 18,
    Math.floor(v / 2 ** 36),
  ]);
  const whole = new Prints(1);
  whole.addOwn(values, values.length, 1);
  const sizes = [rows.units, rows.inputs, rows.taps, rows.groups, ...roles];
  return `${kind} ${sizes.join(" ")} ${whole.values()[0]}`;
}
