import { random } from "../../random.ts";
import { type Affine, kernelAt } from "./affine.ts";
import {
  clusters,
  type Lanes,
  lanesBy,
  NOT_NEGATIVE,
  NOT_POSITIVE,
  negated,
  product,
  signsOf,
  TOLERANCE,
} from "./lanes.ts";

/** What the units of an affine node give, from what comes in: `ignored` channels count as 0. */
export function affineLanes(affine: Affine, x: Lanes, ignored: ReadonlySet<number>): Lanes {
  const sums = new Rows(affine, x, ignored);
  const { units } = affine;
  const constant = new Float64Array(units).fill(Number.NaN);
  const signs = new Uint8Array(units);
  for (let m = 0; m < units; m++) {
    if (sums.largest[m] === 0) constant[m] = sums.offset[m];
    signs[m] = sums.signs[m] & signsOf(sums.offset[m]);
  }
  return lanesBy(affine.unitAxis, sums.classes(), constant, signs);
}

/** The units' rows of weights, with equal inputs put together and constant ones taken into the offset. */
class Rows {
  /** Bias, and what constant inputs give. */
  readonly offset: Float64Array;
  /** Largest |weight| of inputs that are not constant. */
  readonly largest: Float64Array;
  /** Of the weighted sum without the offset. */
  readonly signs: Uint8Array;
  readonly #affine: Affine;
  readonly #x: Lanes;
  readonly #dropped: Uint8Array;
  readonly #folded: Uint8Array;
  /** A random linear form of the row: equal rows have equal ones. */
  readonly #form: Float64Array;
  readonly #sizes: Float64Array;
  readonly #merged = new Map<number, Float64Array>();

  constructor(affine: Affine, x: Lanes, ignored: ReadonlySet<number>) {
    const { units, bias } = affine;
    this.#affine = affine;
    this.#x = x;
    this.offset = bias.slice();
    this.largest = new Float64Array(units);
    this.signs = new Uint8Array(units).fill(NOT_NEGATIVE | NOT_POSITIVE);
    this.#form = new Float64Array(units);
    this.#sizes = new Float64Array(units);
    this.#dropped = Uint8Array.from(x.constant, (c, i) => (c === 0 || ignored.has(i) ? 1 : 0));
    this.#folded = Uint8Array.from(x.constant, (c) => (Number.isNaN(c) || affine.borders ? 0 : 1));
    this.#go();
  }

  #go(): void {
    const { units, depth, weights, inAxis, outAxis } = this.#affine;
    // Along the shorter stride within: the elements are passed as they lie.
    if (weights.strides[outAxis] >= weights.strides[inAxis])
      for (let m = 0; m < units; m++) for (let c = 0; c < depth; c++) this.#add(m, c);
    else for (let c = 0; c < depth; c++) for (let m = 0; m < units; m++) this.#add(m, c);
  }

  #add(m: number, c: number): void {
    const affine = this.#affine;
    const channel = this.#channel(m, c);
    if (this.#dropped[channel] === 1) return;
    const { kernel, weights, scale } = affine;
    const start = kernelAt(affine, m, c);
    const { data } = weights;
    if (this.#folded[channel] === 1) {
      let sum = 0;
      for (let k = 0; k < kernel.length; k++) sum += data[start + kernel[k]];
      this.offset[m] += scale * sum * this.#x.constant[channel];
      return;
    }
    const from = this.#x.same[channel] * kernel.length;
    const factors = this.#factors;
    let largest = 0;
    let size = 0;
    let form = 0;
    let least = 0;
    let most = 0;
    for (let k = 0; k < kernel.length; k++) {
      const w = data[start + kernel[k]];
      const magnitude = Math.abs(w);
      if (magnitude > largest) largest = magnitude;
      if (w < least) least = w;
      if (w > most) most = w;
      size += magnitude;
      form += w * factors[from + k];
    }
    if (largest > this.largest[m]) this.largest[m] = largest;
    this.#sizes[m] += size;
    this.#form[m] += form;
    const weight = (least < 0 ? 0 : NOT_NEGATIVE) | (most > 0 ? 0 : NOT_POSITIVE);
    const signs = scale >= 0 ? weight : negated(weight);
    this.signs[m] &=
      signs === (NOT_NEGATIVE | NOT_POSITIVE) ? signs : product(signs, this.#x.signs[channel]);
  }

  #channel(m: number, c: number): number {
    const { group, depth, units } = this.#affine;
    return group === 1 ? c : Math.floor((m * group) / units) * depth + c;
  }

  get #factors(): Float64Array {
    return factorsOf(this.#x.same.length * this.#affine.kernel.length);
  }

  /** For each unit the first whose row and offset are the same but for rounding. */
  classes(): number[] {
    const { units } = this.#affine;
    const offsets = clusters(this.offset);
    const order = Array.from({ length: units }, (_, m) => m).sort(
      (a, b) => this.#form[a] - this.#form[b] || a - b,
    );
    const result = Array.from({ length: units }, (_, m) => m);
    const heads: number[] = [];
    const reach = 2 * TOLERANCE * this.#sizes.reduce((a, b) => Math.max(a, b), 0);
    for (const m of order) {
      while (heads.length > 0 && this.#form[heads[0]] < this.#form[m] - reach) heads.shift();
      const head = heads.find((h) => offsets[h] === offsets[m] && this.#equal(h, m));
      if (head === undefined) heads.push(m);
      else result[m] = head;
    }
    return result;
  }

  #equal(a: number, b: number): boolean {
    const largest = this.largest[a];
    if (Math.abs(largest - this.largest[b]) > TOLERANCE * largest) return false;
    const [left, right] = [this.#row(a), this.#row(b)];
    return left.every((w, i) => Math.abs(w - right[i]) <= TOLERANCE * largest);
  }

  #row(m: number): Float64Array {
    const known = this.#merged.get(m);
    if (known !== undefined) return known;
    const { depth, kernel, weights } = this.#affine;
    const row = new Float64Array(this.#x.same.length * kernel.length);
    for (let c = 0; c < depth; c++) {
      const channel = this.#channel(m, c);
      if (this.#dropped[channel] === 1 || this.#folded[channel] === 1) continue;
      const start = kernelAt(this.#affine, m, c);
      const to = this.#x.same[channel] * kernel.length;
      for (let k = 0; k < kernel.length; k++) row[to + k] += weights.data[start + kernel[k]];
    }
    this.#merged.set(m, row);
    return row;
  }
}

let factors = new Float64Array(0);

/** The same random numbers from −1 to 1 for everybody. */
function factorsOf(count: number): Float64Array {
  if (factors.length < count) {
    const { uniform } = random(20_251_121);
    factors = Float64Array.from({ length: 2 * count }, () => 2 * uniform() - 1);
  }
  return factors;
}
