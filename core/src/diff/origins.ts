import { typeOf } from "../explain/layers.ts";
import { isConstant, type Value } from "../ir/graph.ts";
import { type Shape, size, strides } from "../ir/tensor.ts";
import { each } from "../ops/channels.ts";
import type { End, Link } from "../prune/coupling/links.ts";
import { Structure } from "../prune/coupling/structure.ts";
import type { Side } from "./side.ts";

/** Which unit an index along an axis carries. */
export interface Origin {
  /** A layer, an input of the model (-1, -2, …), or an operator that makes units of its own. */
  readonly source: number | string;
  readonly unit: number;
  /** Of several indices that carry the same unit: which. */
  readonly copy: number;
}

/**
 * What the indices of values' axes carry: followed backward through the operators' channel rules to the
 * layers' units and the model's inputs.
 */
export class Origins {
  readonly #structure: Structure;
  readonly #sources = new Map<Value, number>();
  readonly #inputs: readonly Value[];
  readonly #known = new Map<Value, Map<number, readonly Origin[] | undefined>>();

  constructor({ graph, layers }: Side) {
    this.#structure = Structure.of(graph);
    this.#inputs = graph.inputs;
    layers.forEach(({ layer }, index) => {
      for (const value of layer?.node.outputs ?? []) this.#sources.set(value, index);
    });
  }

  /** Undefined where it cannot be told. */
  of(value: Value, axis: number): readonly Origin[] | undefined {
    const axes = this.#known.get(value) ?? new Map<number, readonly Origin[] | undefined>();
    this.#known.set(value, axes);
    if (!axes.has(axis)) {
      axes.set(axis, undefined);
      axes.set(axis, this.#find(value, axis));
    }
    return axes.get(axis);
  }

  #find(value: Value, axis: number): readonly Origin[] | undefined {
    const length = value.shape[axis];
    if (typeof length !== "number") return undefined;
    const source = this.#sources.get(value);
    if (source !== undefined) {
      const units = /^Conv/.test(typeOf(value.node)) ? 1 : value.shape.length - 1;
      return axis === units ? all(source, length) : undefined;
    }
    const input = this.#inputs.indexOf(value);
    if (input >= 0) return all(-1 - input, length);
    const whole = mergedAxes(value, axis);
    const exact = whole && this.#several(value.node.inputs[0]!, whole);
    if (exact !== undefined) return exact;
    const links = this.#structure.links(value.node)?.of(value, axis, undefined) ?? [];
    const found = links.map((link) => this.#through(link, value, axis));
    const known = found.filter((f) => f !== undefined);
    if (known.length > 0)
      // Of several ways that a Reshape can be read, the one that leads to a layer.
      return known.find((origins) => origins.some((o) => Number(o.source) >= 0)) ?? known[0];
    return this.#alike(value, axis) ?? all(`${typeOf(value.node)} ${value.node.name}`, length);
  }

  /** What the indices of several axes together carry: of heads that are split, transposed and joined again. */
  #several(value: Value, axes: readonly number[]): readonly Origin[] | undefined {
    const { node } = value;
    if (this.#sources.has(value) || this.#inputs.includes(value)) return undefined;
    const sorted = axes.toSorted((p, q) => p - q);
    const from = regrouped(value, sorted);
    if (from !== undefined) {
      const [x] = node.inputs;
      const found = from.length === 1 ? this.of(x!, from[0]) : this.#several(x!, from);
      return found && permuted(found, sorted, axes, value.shape);
    }
    const links = axes.map((axis) => this.#structure.links(node)?.of(value, axis, undefined)[0]);
    for (const [input, x] of node.inputs.entries()) {
      if (x === undefined || isConstant(x)) continue;
      const ends = links.map((l) => l?.ends.find((e) => e.input === input && e.label === each));
      const own = ends.flatMap((e) => (e === undefined ? [] : [e.axis]));
      const found = own.length === axes.length ? this.#several(x, own) : undefined;
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** What compares units (a Softmax, a LayerNormalization) leaves them where they are. */
  #alike({ node, shape }: Value, axis: number): readonly Origin[] | undefined {
    if (!COMPARING.has(typeOf(node))) return undefined;
    const same = node.inputs.find(
      (v) => v !== undefined && !isConstant(v) && String(v.shape) === String(shape),
    );
    return same && this.of(same, axis);
  }

  #through(link: Link, value: Value, axis: number): readonly Origin[] | undefined {
    const output = link.ends.find((e) => e.is(value, axis, undefined));
    const ends = link.ends.filter((e) => e.input !== undefined && !isConstant(e.value));
    if (output === undefined) return undefined;
    const known = ends.flatMap((end) => {
      const origins = this.of(end.value, end.axis);
      return origins === undefined ? [] : [{ end, origins, places: byLabel(end) }];
    });
    if (known.length === 0) return undefined;
    const own = byLabel(output);
    const result = new Array<Origin>(Number(value.shape[axis])).fill(NONE);
    for (const [label, indices] of own) {
      // Operands that are added are coupled: any of them tells.
      const from = known.find(({ places }) => places.has(label));
      if (from === undefined) continue;
      const carried = from.places.get(label)!.map((i) => from.origins[i]);
      indices.forEach((index, k) => {
        if (carried.length === indices.length) result[index] = carried[k];
        else {
          const { source, unit, copy } = carried[0];
          result[index] = { source, unit, copy: copy * indices.length + k };
        }
      });
    }
    return result;
  }
}

const COMPARING: ReadonlySet<string> = new Set(
  "CumSum GroupNormalization Hardmax LRN LayerNormalization LogSoftmax LpNormalization MeanVarianceNormalization Softmax".split(
    " ",
  ),
);

/** No unit's: padding. */
const NONE: Origin = { source: Number.NaN, unit: 0, copy: 0 };

const all = (source: number | string, length: number): readonly Origin[] =>
  Array.from({ length }, (_, unit) => ({ source, unit, copy: 0 }));

/** The axes of a Reshape's input that it merges into one. */
function mergedAxes(value: Value, axis: number): readonly number[] | undefined {
  const from = regrouped(value, [axis]);
  return from !== undefined && from.length > 1 ? from : undefined;
}

/** The neighbouring axes of a Reshape's input that become neighbouring axes of its output. */
function regrouped({ node, shape }: Value, axes: readonly number[]): readonly number[] | undefined {
  const [x] = node.inputs;
  const contiguous = axes.every((axis, k) => axis === axes[0] + k);
  if (x === undefined || !contiguous || !/^(Reshape|Flatten)$/.test(typeOf(node))) return undefined;
  const before = lengthsOf(shape.slice(0, axes[0]));
  const own = lengthsOf(axes.map((axis) => shape[axis]));
  for (let from = 0; from < x.shape.length; from++) {
    if (lengthsOf(x.shape.slice(0, from)) !== before) continue;
    for (let to = from + 1; to <= x.shape.length; to++)
      if (lengthsOf(x.shape.slice(from, to)) === own && x.shape[from] !== 1)
        return Array.from({ length: to - from }, (_, k) => from + k);
  }
  return undefined;
}

const lengthsOf = (shape: Shape): string => {
  const numbers = shape.filter((d) => typeof d === "number");
  return [size(numbers), ...shape.filter((d) => typeof d === "string")].join(" ");
};

/** From the order of ascending axes to that of `axes`. */
function permuted(
  origins: readonly Origin[],
  sorted: readonly number[],
  axes: readonly number[],
  shape: Shape,
): readonly Origin[] {
  const lengths = axes.map((axis) => Number(shape[axis]));
  const step = strides(sorted.map((axis) => Number(shape[axis])));
  const steps = axes.map((axis) => step[sorted.indexOf(axis)]);
  const own = strides(lengths);
  return origins.map((_, i) => {
    const place = lengths.map((length, k) => Math.floor(i / own[k]) % length);
    return origins[place.reduce((sum, p, k) => sum + p * steps[k], 0)];
  });
}

function byLabel({ value, axis, label }: End): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>();
  for (let i = 0; i < Number(value.shape[axis]); i++) {
    const own = found.get(label(i));
    if (own === undefined) found.set(label(i), [i]);
    else own.push(i);
  }
  return found;
}
