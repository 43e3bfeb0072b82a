import { constant, constantOf, type Graph, input, type Node, type Value } from "../ir/graph.ts";
import { bindLengths, withLengths } from "../ir/lengths.ts";
import { type Rewritten, rebuild } from "../ir/rewrite.ts";
import { type Dim, int64, type Shape, sameShape } from "../ir/tensor.ts";
import { expand } from "../ops/expand.ts";
import { InvalidNode, type Operator } from "../ops/operator.ts";
import {
  axesWith,
  isSingle,
  mixes,
  multiplicity,
  type Place,
  placedLength,
  repeatedAxis,
  reshapedPlaces,
} from "./samples.ts";

export type Bound =
  | { readonly kind: "bound"; readonly graph: Graph; value(old: Value): Value }
  /** Why the model does not take a batch of that size, and where: "Reshape node Times212_reshape0". */
  | { readonly kind: "refused"; readonly because: string; readonly at: string };

class Refused extends Error {
  readonly at: string;
  constructor(because: string, at: string) {
    super(because);
    this.at = at;
  }
}

/**
 * The graph for a batch of a size or, by name, of any size. The leading length of the inputs is replaced
 * where it is 1 or symbolic, and whatever follows from it. Then each sample goes its own way as it did
 * alone; that is checked at every node: the samples stand along one axis of each value, and no operator
 * joins them.
 * @param own how many outputs, the first ones, have to lead with the batch: not those where a graph ends
 *   that was read in part
 */
export function bindBatch(graph: Graph, batch: Dim, own = graph.outputs.length): Bound {
  try {
    const name = typeof batch === "string" ? batch : freshName(graph);
    const free = new Freeing(graph, name).all(own);
    if (typeof batch === "string") return { kind: "bound", ...free };
    const bound = bindLengths(free.graph, new Map([[name, batch]]));
    return {
      kind: "bound",
      graph: bound.graph,
      value: (old) => bound.value(free.value(old)),
    };
  } catch (error) {
    if (error instanceof Refused) return { kind: "refused", because: error.message, at: error.at };
    if (error instanceof InvalidNode)
      return { kind: "refused", because: error.message, at: `a batch of ${batch}` };
    throw error;
  }
}

/** A name for the batch that no other length of the inputs has. */
function freshName({ inputs }: Graph): string {
  const taken = new Set(inputs.flatMap((v) => v.shape.slice(1)));
  let name = "N";
  while (taken.has(name)) name += "'";
  return name;
}

/** Gives the batch a name, wherever it is. */
class Freeing {
  readonly #graph: Graph;
  readonly #batch: string;
  /** What the batch is called in the graph as it is, 1 apart. */
  readonly #names: ReadonlyMap<string, Dim>;
  readonly #ones: ReadonlyMap<string, Dim>;
  readonly #places = new Map<Value, Place>();

  constructor(graph: Graph, batch: string) {
    this.#graph = graph;
    this.#batch = batch;
    const names = graph.inputs.flatMap(({ shape: [d] }) => (typeof d === "string" ? [d] : []));
    this.#names = new Map(names.map((name) => [name, batch]));
    this.#ones = new Map([...names, batch].map((name) => [name, 1]));
  }

  all(own: number): Rewritten {
    const result = rebuild(this.#graph, (node, inputs) => this.#visit(node, inputs));
    for (const value of result.graph.outputs.slice(0, own)) {
      if (value.node.operator === "input") continue;
      const place = this.#places.get(value);
      if (place === undefined || place.axis !== 0 || place.outer !== 1 || place.inner !== 1)
        throw new Refused("it is an output that does not lead with the batch", whereIs(value.node));
    }
    return result;
  }

  #visit(node: Node, inputs: readonly (Value | undefined)[]): readonly Value[] | undefined {
    if (node.operator === "constant") return undefined;
    if (node.operator === "input") return this.#input(node);
    return this.#apply(node, node.operator, inputs);
  }

  #input(node: Node): readonly Value[] {
    const [value] = node.outputs;
    const [leading, ...others] = value.shape;
    if (leading !== 1 && typeof leading !== "string") return node.outputs;
    if (others.some((d) => this.#names.has(String(d))))
      throw new Refused(`the batch is the length of another axis, too`, `input ${node.name}`);
    const now =
      leading === this.#batch ? value : input(node.name, value.dtype, [this.#batch, ...others]);
    this.#places.set(now, { axis: 0, outer: 1, inner: 1 });
    return [now];
  }

  #apply(node: Node, operator: Operator, inputs: readonly (Value | undefined)[]): readonly Value[] {
    const at = whereIs(node);
    const attrs = this.#attrs(node, operator);
    const first = inputs.find((v) => v !== undefined && this.#places.has(v));
    if (first === undefined && attrs === node.attrs)
      return inputs.every((v, i) => v === node.inputs[i])
        ? node.outputs
        : operator.node(attrs, inputs, node.name).outputs;
    inputs.forEach((v, i) => {
      const place = v && this.#places.get(v);
      if (place !== undefined && mixes(node, i, place.axis))
        throw new Refused("it goes over the axis of the batch", at);
    });
    let given = inputs;
    /** Where the samples can be after a change of shape. */
    let candidates: readonly Place[] | undefined;
    if (first !== undefined) {
      const place = this.#places.get(first)!;
      given = this.#repeated(node, inputs, place);
      if (operator.type === "Reshape" || operator.type === "Flatten") {
        candidates = this.#reshapedPlaces(node, first, place, at);
        if (operator.type === "Reshape") {
          candidates = candidates.slice(0, 1);
          given = this.#target(node, given, candidates[0]);
        }
      }
    }
    const outputs = this.#made(node, operator, attrs, given, at);
    const places = given.flatMap((v) => (v && this.#places.get(v)) ?? []);
    outputs.forEach((now, i) => {
      this.#places.set(now, this.#placeOf(now, node.outputs[i], places, candidates, at));
    });
    return outputs;
  }

  /** Lengths by name in attributes. */
  #attrs(node: Node, operator: Operator): Node["attrs"] {
    if (operator.type !== "Expand") return node.attrs;
    const { shape } = node.attrs as { shape: Shape };
    const now = withLengths(shape, this.#names);
    return axesWith(now, this.#batch).length === 0 ? node.attrs : { shape: now };
  }

  #made(
    node: Node,
    operator: Operator,
    attrs: Node["attrs"],
    inputs: readonly (Value | undefined)[],
    at: string,
  ): readonly Value[] {
    if (attrs === node.attrs && inputs.every((v, i) => v === node.inputs[i])) return node.outputs;
    try {
      return operator.node(attrs, inputs, node.name).outputs;
    } catch (error) {
      if (error instanceof InvalidNode) throw new Refused(error.message, at);
      throw error;
    }
  }

  /** What was there once for the only sample is there for each. */
  #repeated(
    node: Node,
    inputs: readonly (Value | undefined)[],
    place: Place,
  ): readonly (Value | undefined)[] {
    return inputs.map((v, i) => {
      if (v === undefined || this.#places.has(v)) return v;
      const axis = repeatedAxis(node, i, place);
      if (axis === undefined || !isSingle(v, axis)) return v;
      const all = expand({ shape: v.shape.with(axis, this.#batch) }, v);
      this.#places.set(all, { axis, outer: 1, inner: 1 });
      return all;
    });
  }

  /** Where the samples may go by a change of shape; the graph's own names tell where there are any. */
  #reshapedPlaces(node: Node, x: Value, place: Place, at: string): readonly Place[] {
    const before = node.outputs[0].shape;
    const ones = withLengths(before, this.#ones);
    const named = before.findIndex((d) => axesOfAny(d, this.#names));
    const found = reshapedPlaces(withLengths(x.shape, this.#ones), place, ones).filter(
      (p) => p.outer * p.inner === ones[p.axis] && (named < 0 || p.axis === named),
    );
    if (found[0] === undefined)
      throw new Refused(
        `it joins the samples: [${x.shape.join(", ")}] becomes [${before.join(", ")}]`,
        at,
      );
    return found;
  }

  /** A target that names the length along which the samples stand copies or infers it. */
  #target(
    node: Node,
    inputs: readonly (Value | undefined)[],
    place: Place,
  ): readonly (Value | undefined)[] {
    const [x, shape, ...others] = inputs;
    const target = constantOf(shape);
    if (x === undefined || target === undefined || target.data[place.axis] <= 0) return inputs;
    const copies = ((node.attrs as { allowzero?: number }).allowzero ?? 0) === 0;
    const wanted = placedLength(place, this.#batch);
    const numbers = Array.from(target.data);
    if (copies && x.shape[place.axis] === wanted) numbers[place.axis] = 0;
    else {
      const before = node.outputs[0].shape;
      numbers.forEach((n, d) => {
        const length = before[d];
        if (n === -1 && typeof length === "number") numbers[d] = length;
      });
      numbers[place.axis] = -1;
    }
    return [x, constant(int64([numbers.length], numbers)), ...others];
  }

  #placeOf(
    now: Value,
    before: Value,
    places: readonly Place[],
    candidates: readonly Place[] | undefined,
    at: string,
  ): Place {
    const changed = () => {
      throw new Refused(
        `a batch of ${this.#batch} turns its result from [${before.shape.join(", ")}] into [${now.shape.join(", ")}]`,
        at,
      );
    };
    const [axis, ...others] = axesWith(now.shape, this.#batch);
    const same =
      now === before ||
      sameShape(withLengths(now.shape, this.#ones), withLengths(before.shape, this.#ones));
    if (axis === undefined)
      throw new Refused(
        `it joins the samples of a batch: its result is [${now.shape.join(", ")}]`,
        at,
      );
    if (others.length > 0 || !same) return changed();
    const count = multiplicity(now.shape[axis], this.#batch);
    if (candidates !== undefined)
      return candidates.find((p) => p.axis === axis && p.outer * p.inner === count) ?? changed();
    const [{ outer, inner } = { outer: 1, inner: count ?? 0 }] = places;
    const agree = places.every((p) => p.outer === outer && p.inner === inner);
    return agree && count === outer * inner ? { axis, outer, inner } : changed();
  }
}

const axesOfAny = (dim: Dim, names: ReadonlyMap<string, Dim>): boolean =>
  typeof dim === "string" && dim.split("*").some((name) => names.has(name));

const whereIs = ({ operator, name }: Node): string =>
  `${typeof operator === "string" ? operator : operator.type} node ${name}`;
