import { type Graph, input, type Node, topological, type Value } from "../../ir/graph.ts";
import { rebuild } from "../../ir/rewrite.ts";
import { known, size, type Tensor, tensor } from "../../ir/tensor.ts";
import { mul } from "../../ops/mul.ts";
import type { Operator } from "../../ops/operator.ts";
import { reshapeTo } from "../../ops/reshape.ts";
import type { Mask } from "../plan.ts";

/** What is set to 0 together. */
export interface Removal {
  /** Signals of units where they are summed up: see `planPrune`. */
  readonly masks: readonly Mask[];
  /** Elements of a sample of the model's (only) input, row-major. */
  readonly inputs: readonly number[];
}

/** Where signals are masked: by indices along an axis of a value, or by its elements. */
export interface MaskPlace {
  readonly value: Value;
  readonly axis: number | "elements";
  /** Of the vector of factors. */
  readonly length: number;
}

/** Removals that share what comes before their first place. */
export interface MaskedForm {
  /** Indices of places that one of the removals masks. */
  readonly places: readonly number[];
  readonly removals: readonly number[];
}

/** A graph in which masks are data, so that one compiled program serves many removals. */
export interface Maskable {
  /**
   * Inputs: those of the model, then a vector [length] of factors (0 or 1) for each place. Outputs: the
   * model's first, then the same masked, once for each form.
   */
  readonly graph: Graph;
  readonly places: readonly MaskPlace[];
  readonly forms: readonly MaskedForm[];
  /** For each removal, the indices that are 0 at each place. */
  readonly zeros: readonly ReadonlyMap<number, readonly number[]>[];
}

/** Each form is a program, which holds the weights behind its first place. */
const MOST_FORMS = 4;

/**
 * Makes masks inputs of the graph, multiplied where `maskUnits` multiplies.
 * @param most forms
 */
export function maskable(
  graph: Graph,
  removals: readonly Removal[],
  most: number = MOST_FORMS,
): Maskable {
  const { places, readers, zeros } = placesOf(graph, removals);
  const forms = formsOf(graph, places, readers, zeros, most);
  const vectors = places.map(({ value, length }, i) => input(`mask ${i}`, value.dtype, [length]));
  const shaped = places.map(({ value: { shape }, axis }, i) => {
    const lengths = shape.map((d, k) => (k === axis || (axis === "elements" && k > 0) ? d : 1));
    return reshapeTo(vectors[i], known(lengths, "masked axis"));
  });
  const first: Graph = { inputs: graph.inputs, outputs: graph.outputs.slice(0, 1) };
  const outputs = forms.map((form) => masked(first, form.places, places, readers, shaped));
  return {
    graph: { inputs: [...graph.inputs, ...vectors], outputs: [...first.outputs, ...outputs] },
    places,
    forms,
    zeros,
  };
}

/** The factors of a place for one removal. */
export function factorsAt({ value, length }: MaskPlace, zeros: readonly number[] = []): Tensor {
  const factors = new (value.dtype === "float64" ? Float64Array : Float32Array)(length).fill(1);
  for (const i of zeros) factors[i] = 0;
  return tensor(value.dtype, [length], factors);
}

/** The nodes that read a place masked, with the inputs that do; of elements of an input all do. */
type Readers = ReadonlyMap<Node, readonly number[]>;

function placesOf(graph: Graph, removals: readonly Removal[]) {
  const places: MaskPlace[] = [];
  const readers: Map<Node, number[]>[] = [];
  const at = (value: Value, axis: number | "elements"): number => {
    const found = places.findIndex((p) => p.value === value && p.axis === axis);
    if (found >= 0) return found;
    const lengths = axis === "elements" ? value.shape.slice(1) : [value.shape[axis]];
    readers.push(new Map());
    return places.push({ value, axis, length: size(known(lengths, "masked axis")) }) - 1;
  };
  const zeros = removals.map(({ masks, inputs }) => {
    const own = new Map<number, readonly number[]>();
    if (inputs.length > 0) own.set(at(graph.inputs[0], "elements"), inputs);
    for (const { node, input, axis, indices } of masks) {
      const place = at(node.inputs[input]!, axis);
      const reads = readers[place].get(node) ?? [];
      if (!reads.includes(input)) readers[place].set(node, [...reads, input]);
      own.set(place, indices);
    }
    return own;
  });
  return { places, readers: readers as readonly Readers[], zeros };
}

/** Removals by where they begin; few forms, those of few removals joined with the one before. */
function formsOf(
  graph: Graph,
  places: readonly MaskPlace[],
  readers: readonly Readers[],
  zeros: Maskable["zeros"],
  most: number,
): readonly MaskedForm[] {
  const order = new Map(topological(graph.outputs).map((node, i) => [node, i]));
  const starts = places.map(({ axis }, i) =>
    axis === "elements" ? -1 : Math.min(...[...readers[i].keys()].map((n) => order.get(n)!)),
  );
  const byStart = new Map<number, number[]>();
  zeros.forEach((own, r) => {
    if (own.size === 0) return;
    const start = Math.min(...[...own.keys()].map((p) => starts[p]));
    byStart.set(start, [...(byStart.get(start) ?? []), r]);
  });
  const forms = [...byStart].sort(([a], [b]) => a - b).map(([, removals]) => removals);
  while (forms.length > most) {
    const counts = forms.slice(1).map((f) => f.length);
    const least = 1 + counts.indexOf(Math.min(...counts));
    forms.splice(least - 1, 2, [...forms[least - 1], ...forms[least]]);
  }
  return forms.map((removals) => {
    const used = new Set(removals.flatMap((r) => [...zeros[r].keys()]));
    return { places: [...used].sort((a, b) => a - b), removals };
  });
}

/** The graph's output with the places multiplied by their factors. */
function masked(
  graph: Graph,
  used: readonly number[],
  places: readonly MaskPlace[],
  readers: readonly Readers[],
  shaped: readonly Value[],
): Value {
  // What several nodes read is multiplied once.
  const products = new Map<Value, Map<number, Value>>();
  const product = (value: Value, place: number): Value => {
    const known = products.get(value) ?? new Map<number, Value>();
    products.set(value, known);
    const made = known.get(place) ?? mul({}, value, shaped[place]);
    known.set(place, made);
    return made;
  };
  return rebuild(graph, (node, inputs) => {
    if (node.operator === "input") {
      const own = used.filter((p) => places[p].axis === "elements");
      const [value] = node.outputs;
      return own.length === 0 || value !== places[own[0]].value
        ? undefined
        : [product(value, own[0])];
    }
    const now = [...inputs];
    let touched = false;
    for (const place of used)
      for (const i of readers[place].get(node) ?? []) {
        now[i] = product(now[i]!, place);
        touched = true;
      }
    return touched
      ? (node.operator as Operator).node(node.attrs, now, node.name).outputs
      : undefined;
  }).graph.outputs[0];
}
