import type { Comparison } from "./comparison.ts";
import { blockAt } from "./rows.ts";
import { ascending, type Pair } from "./sequence.ts";

/** An angle that is not clearly smaller than the next one decides nothing (the ratio test of Lowe 2004). */
const RATIO = 0.8;
const LARGEST_ANGLE = Math.PI / 3;
/** In few dimensions chance makes things alike. */
const FEWEST = 8;
/** Products that are computed at most; above, vectors are sampled. */
const PRODUCTS = 2e8;
const FEWEST_SAMPLED = 32;

/**
 * Units whose weights changed and whose number differs: pairs whose weights point the same way, each
 * clearly more alike than either is to any other unit. In order.
 */
export function similarPairs(
  comparison: Comparison,
  before: readonly number[],
  after: readonly number[],
): readonly Pair[] {
  const vectors = directions(comparison, before, after);
  if (vectors === undefined) return [];
  const rows = before.map(() => new Nearest());
  const columns = after.map(() => new Nearest());
  vectors.before.forEach((x, i) => {
    vectors.after.forEach((y, j) => {
      const angle = Math.acos(Math.min(1, dot(x, y)));
      rows[i].see(j, angle);
      columns[j].see(i, angle);
    });
  });
  const certain = rows.flatMap((row, i): Pair[] => {
    const back = columns[row.at];
    return back?.at === i && row.isClear && back.isClear ? [[before[i], after[row.at]]] : [];
  });
  return ascending(certain);
}

/** The closest seen, and the angle of the next. */
class Nearest {
  at = -1;
  #angle = Number.POSITIVE_INFINITY;
  #next = Number.POSITIVE_INFINITY;

  see(at: number, angle: number): void {
    if (angle < this.#angle) {
      this.#next = this.#angle;
      this.#angle = angle;
      this.at = at;
    } else if (angle < this.#next) this.#next = angle;
  }

  get isClear(): boolean {
    return this.#angle <= LARGEST_ANGLE && this.#angle < RATIO * this.#next;
  }
}

/** Unit vectors of the weights; undefined where they have too few dimensions to be told apart. */
function directions(
  { a, b, columns }: Comparison,
  before: readonly number[],
  after: readonly number[],
): Record<"before" | "after", readonly Float64Array[]> | undefined {
  const [x, y] = [a.rows!, b.rows!];
  if (x.groups !== 1 || y.groups !== 1) return undefined;
  const all = columns.length * x.taps;
  if (all < FEWEST) return undefined;
  const most = Math.max(FEWEST_SAMPLED, PRODUCTS / (before.length * after.length));
  const stride = Math.max(1, Math.ceil(all / most));
  const places = Array.from({ length: Math.ceil(all / stride) }, (_, k) => k * stride);
  const of = (rows: typeof x, units: readonly number[], side: 0 | 1) =>
    units.map((unit) =>
      normalised(
        Float64Array.from(places, (place) => {
          const column = columns[Math.floor(place / rows.taps)][side];
          return rows.data[blockAt(rows, unit, column) + (place % rows.taps) * rows.step.tap];
        }),
      ),
    );
  return { before: of(x, before, 0), after: of(y, after, 1) };
}

function normalised(vector: Float64Array): Float64Array {
  const norm = Math.sqrt(dot(vector, vector));
  return norm > 0 ? vector.map((v) => v / norm) : vector;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
