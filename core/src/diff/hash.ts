import { blockAt, type Rows, readBy } from "./rows.ts";

/** Fingerprints of units: two times 32 bits each, of numbers and the places they stand at. */
export class Prints {
  readonly #a: Int32Array;
  readonly #b: Int32Array;

  constructor(units: number) {
    this.#a = new Int32Array(units);
    this.#b = new Int32Array(units);
  }

  /**
   * Adds the weights from the inputs that `places` counts (-1: left out). Sums do not depend on the order,
   * so neither on the layout.
   */
  addRows(rows: Rows, places: Int32Array, salt: number): void {
    const { data, taps, step } = rows;
    const [a, b] = [this.#a, this.#b];
    const block = (unit: number, input: number): void => {
      const place = places[input];
      if (place < 0) return;
      let at = blockAt(rows, unit, input);
      let key = Math.imul(place * taps + salt, 0x9e3779b1);
      for (let t = 0; t < taps; t++, at += step.tap) {
        FLOAT[0] = data[at] + 0;
        const x = mix(BITS[0] ^ key);
        a[unit] += x;
        b[unit] += again(x);
        key = (key + 0x9e3779b1) | 0;
      }
    };
    // As the weights lie in memory.
    if (step.unit >= step.input)
      for (let unit = 0; unit < rows.units; unit++) {
        const [from, to] = readBy(rows, unit);
        for (let input = from; input < to; input++) block(unit, input);
      }
    else {
      const [each, own] = [rows.inputs / rows.groups, rows.units / rows.groups];
      for (let input = 0; input < rows.inputs; input++) {
        const first = Math.floor(input / each) * own;
        for (let unit = first; unit < first + own; unit++) block(unit, input);
      }
    }
  }

  /** Adds `count` numbers for every unit. */
  addOwn(values: ArrayLike<number>, count: number, salt: number): void {
    for (let i = 0; i < values.length; i++) {
      const unit = Math.floor(i / count);
      FLOAT[0] = values[i] + 0;
      const x = mix(BITS[0] ^ Math.imul((i % count) + salt, 0x85ebca77));
      this.#a[unit] += x;
      this.#b[unit] += again(x);
    }
  }

  /** One number for each unit, exact to 53 bits. */
  values(): Float64Array {
    return Float64Array.from(this.#a, (a, u) => (a >>> 0) * 2 ** 21 + (this.#b[u] >>> 11));
  }
}

/** Eight digits for the numbers of a tensor, whatever their layout's order: of them in this order. */
export function fingerprint(values: ArrayLike<number>): string {
  const prints = new Prints(1);
  prints.addOwn(values, values.length, 1);
  return ((prints.values()[0] / 2 ** 21) >>> 0).toString(16).padStart(8, "0");
}

const FLOAT = new Float32Array(1);
const BITS = new Int32Array(FLOAT.buffer);

/** MurmurHash3's finaliser (A. Appleby). */
function mix(k: number): number {
  let h = k ^ (k >>> 16);
  h = Math.imul(h, 0x85ebca6b);
  h ^= h >>> 13;
  h = Math.imul(h, 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/** Of a mixed number: sums of them say more than sums of the numbers. */
const again = (x: number): number => Math.imul(x ^ (x >>> 15), 0x2c1b3c6d);
