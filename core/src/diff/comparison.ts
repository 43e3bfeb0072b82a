import { Prints } from "./hash.ts";
import { blockAt, readBy } from "./rows.ts";
import type { Pair } from "./sequence.ts";
import type { Own, SideLayer } from "./side.ts";

/** Two numbers that are closer than this, relatively, are the same. */
const SAME = 1e-6;

/** The numbers of two layers' units side by side, over the inputs that both have. */
export class Comparison {
  readonly a: SideLayer;
  readonly b: SideLayer;
  readonly columns: readonly Pair[];
  readonly #own: readonly (readonly [Own, Own])[];

  private constructor(a: SideLayer, b: SideLayer, columns: readonly Pair[]) {
    this.a = a;
    this.b = b;
    this.columns = columns;
    const roles = [...new Set([...a.own.keys(), ...b.own.keys()])].sort();
    this.#own = roles.flatMap((role) => {
      const [x, y] = [a.own.get(role), b.own.get(role)];
      // No bias is a bias of 0; what else only one of them has is told as a change of the layer.
      if (role !== "bias") return x === undefined || y === undefined ? [] : [[x, y] as const];
      const zeros = (units: number, { count }: Own) => ({
        values: new Float64Array(units * count),
        count,
      });
      return [[x ?? zeros(a.units, y!), y ?? zeros(b.units, x!)] as const];
    });
  }

  /** Undefined where the weights are of different forms, or have no input in common. */
  static of(a: SideLayer, b: SideLayer, columns: readonly Pair[]): Comparison | undefined {
    if (a.rows?.taps !== b.rows?.taps || a.rows === undefined || columns.length === 0)
      return undefined;
    return new Comparison(a, b, columns);
  }

  get recurrent(): boolean {
    return this.a.inner !== undefined;
  }

  /** Fingerprints of the units of both. */
  keys(): readonly [Float64Array, Float64Array] {
    return [this.#keys(this.a, 0), this.#keys(this.b, 1)];
  }

  #keys({ rows, units }: SideLayer, side: 0 | 1): Float64Array {
    const places = new Int32Array(rows!.inputs).fill(-1);
    this.columns.forEach((pair, place) => {
      places[pair[side]] = place;
    });
    const prints = new Prints(units);
    prints.addRows(rows!, places, 1);
    this.#own.forEach((own, k) => {
      prints.addOwn(own[side].values, own[side].count, 1000 * (k + 1));
    });
    return prints.values();
  }

  /** The columns that both units read. */
  columnsOf(u: number, v: number): readonly Pair[] {
    const [x, y] = [this.a.rows!, this.b.rows!];
    if (x.groups === 1 && y.groups === 1) return this.columns;
    const [[from, to], [first, last]] = [readBy(x, u), readBy(y, v)];
    return this.columns.filter(([i, j]) => i >= from && i < to && j >= first && j < last);
  }

  /** ‖Δ‖ / ‖before‖ of all numbers, and whether each kind of them is the same. */
  change(
    u: number,
    v: number,
    from: readonly number[],
  ): { readonly same: boolean; readonly change: number } {
    const parts = [this.#weights(u, v), ...this.#own.map(([x, y]) => ownPart(x, y, u, v))];
    if (this.a.inner !== undefined && this.b.inner !== undefined)
      parts.push(this.#inner(u, v, from));
    const same = parts.every(({ delta, scale }) => delta <= SAME * SAME * scale);
    const delta = parts.reduce((n, p) => n + p.delta, 0);
    const before = parts.reduce((n, p) => n + p.before, 0);
    return { same, change: before > 0 ? Math.sqrt(delta / before) : 1 };
  }

  #weights(u: number, v: number): Part {
    const [x, y] = [this.a.rows!, this.b.rows!];
    const part = new Summing();
    for (const [i, j] of this.columnsOf(u, v)) {
      let [p, q] = [blockAt(x, u, i), blockAt(y, v, j)];
      for (let t = 0; t < x.taps; t++, p += x.step.tap, q += y.step.tap)
        part.add(x.data[p], y.data[q]);
    }
    return part;
  }

  /** From units that both have. */
  #inner(u: number, v: number, from: readonly number[]): Part {
    const [x, y] = [this.a.inner!, this.b.inner!];
    const part = new Summing();
    if (x.taps !== y.taps) return part;
    from.forEach((i, j) => {
      if (i < 0) return;
      for (let t = 0; t < x.taps; t++)
        part.add(
          x.data[blockAt(x, u, i) + t * x.step.tap],
          y.data[blockAt(y, v, j) + t * y.step.tap],
        );
    });
    return part;
  }
}

/** Sums of squares: of the difference, of what was before, of the larger one. */
interface Part {
  readonly delta: number;
  readonly before: number;
  readonly scale: number;
}

class Summing implements Part {
  delta = 0;
  before = 0;
  #after = 0;

  add(a: number, b: number): void {
    this.delta += (a - b) ** 2;
    this.before += a * a;
    this.#after += b * b;
  }

  get scale(): number {
    return Math.max(this.before, this.#after);
  }
}

function ownPart(x: Own, y: Own, u: number, v: number): Part {
  const part = new Summing();
  const count = Math.min(x.count, y.count);
  for (let k = 0; k < count; k++) part.add(x.values[u * x.count + k], y.values[v * y.count + k]);
  return part;
}
