import { typeOf } from "../../explain/layers.ts";
import { isConstant, type Node, topological, type Value } from "../../ir/graph.ts";
import type { Structure } from "../coupling/structure.ts";
import { type Affine, affineOf } from "./affine.ts";
import { ELEMENTWISE, elementwiseLanes } from "./elementwise.ts";
import { clusters, type Lanes, lanesBy, product, signsOf, unknownLanes } from "./lanes.ts";
import { type Moved, movedBy } from "./moved.ts";
import { affineLanes } from "./rows.ts";
import { perIndex } from "./view.ts";

/** Told of every sum over units, in the order of the graph; what it returns counts as 0 from there on. */
export type AtSum = (affine: Affine, x: Lanes) => ReadonlySet<number>;

const nothing: ReadonlySet<number> = new Set();

/** What the weights alone say of the signals in a graph; its weights are loaded. */
export class Signals {
  readonly #structure: Structure;
  readonly #lanes = new Map<Value, Lanes>();
  readonly #sums = new Map<Node, Affine>();
  readonly #moves = new Map<Value, Moved>();

  constructor(structure: Structure, atSum: AtSum = () => nothing) {
    this.#structure = structure;
    for (const node of topological(structure.graph.outputs)) {
      if (typeof node.operator === "string" || node.outputs.every(isConstant)) continue;
      this.#visit(node, atSum);
    }
  }

  /** Undefined where nothing is known of any index. */
  of(value: Value): Lanes | undefined {
    return this.#lanes.get(value);
  }

  /** The convolution or product that a node is. */
  sum(node: Node): Affine | undefined {
    return this.#sums.get(node);
  }

  /** What comes into a sum. */
  into({ x, xAxis }: Affine): Lanes {
    const known = this.of(x);
    return known?.axis === xAxis ? known : unknownLanes(xAxis, Number(x.shape[xAxis]));
  }

  /** Where the indices of a value come from, if they are handed on from one axis to another. */
  moved(value: Value): Moved | undefined {
    return this.#moves.get(value);
  }

  #visit(node: Node, atSum: AtSum): void {
    const [y] = node.outputs;
    const type = typeOf(node);
    const affine = affineOf(this.#structure, node);
    if (affine !== undefined) {
      this.#sums.set(node, affine);
      const x = this.into(affine);
      this.#lanes.set(y, affineLanes(affine, x, affine.group === 1 ? atSum(affine, x) : nothing));
      return;
    }
    if (ELEMENTWISE.has(type)) {
      const lanes = elementwiseLanes(this.#structure, node, (v) => this.of(v));
      if (lanes !== undefined) this.#lanes.set(y, lanes);
      return;
    }
    if (type === "BatchNormalization") {
      const x = this.of(node.inputs[0]!);
      const lanes = x?.axis === 1 ? this.#normalised(node, x) : undefined;
      if (lanes !== undefined) this.#lanes.set(y, lanes);
      return;
    }
    const keeps = keptBy(node);
    if (keeps === undefined) return;
    for (const output of COPYING.has(type) ? node.outputs : [y]) {
      const lanes = this.#carried(node, output, keeps);
      if (lanes !== undefined) this.#lanes.set(output, lanes);
    }
  }

  /** What copies elements, or takes neighbours of one index together. */
  #carried(node: Node, output: Value, keeps: Keeps): Lanes | undefined {
    const lanes = node.inputs.map((v) =>
      v === undefined || isConstant(v) ? undefined : this.of(v),
    );
    const joins = typeOf(node) === "Concat";
    const data = joins ? node.inputs : node.inputs.slice(0, 1);
    if (data.some((_, i) => lanes[i] === undefined)) return undefined;
    const moved = movedBy(
      this.#structure,
      node,
      output,
      data.map((_, i) => lanes[i]?.axis),
    );
    // Joined along another axis, an index has a part of each input.
    if (moved === undefined || (joins && data.some((_, i) => !moved.input.includes(i))))
      return undefined;
    this.#moves.set(output, moved);
    const length = moved.index.length;
    const constant = new Float64Array(length).fill(Number.NaN);
    const signs = new Uint8Array(length);
    const keys: string[] = [];
    for (let p = 0; p < length; p++) {
      const input = moved.input[p];
      const from = lanes[input]!;
      const i = moved.index[p];
      // The same value may come in several times.
      keys.push(`${node.inputs.indexOf(node.inputs[input])} ${from.same[i]} ${moved.place[p]}`);
      const value = from.constant[i];
      if (keeps === "all" || value === 0) constant[p] = value;
      signs[p] = from.signs[i];
    }
    return lanesBy(moved.axis, keys, constant, signs);
  }

  /** y = scale·(x − mean)/√(variance + ε) + bias, by channel. */
  #normalised(node: Node, x: Lanes): Lanes | undefined {
    const length = x.same.length;
    const [scale, bias, mean, variance] = [1, 2, 3, 4].map((i) =>
      perIndex(this.#structure, node.inputs[i], 1, length),
    );
    if (!scale || !bias || !mean || !variance) return undefined;
    const { epsilon = 1e-5 } = node.attrs as { epsilon?: number };
    const factor = scale.map((s, i) => s / Math.sqrt(variance[i] + epsilon));
    const shift = bias.map((b, i) => b - factor[i] * mean[i]);
    return affineByIndex(x, factor, shift);
  }
}

/** They give elements of one input each, unchanged. */
const COPYING: ReadonlySet<string> = new Set(
  "Concat Flatten Reshape Slice Split Squeeze Transpose Unsqueeze".split(" "),
);

/** Which constants are the same behind a node that looks at each index by itself: all, or zero alone. */
type Keeps = "all" | "zero";

/** Undefined: the node does something else. */
function keptBy(node: Node): Keeps | undefined {
  const type = typeOf(node);
  if (COPYING.has(type)) return "all";
  const attrs = node.attrs as { mode?: string; count_include_pad?: number; value?: number };
  switch (type) {
    case "MaxPool":
    case "GlobalMaxPool":
    case "GlobalAveragePool":
    case "ReduceMax":
    case "ReduceMean":
    case "ReduceMin":
      return "all";
    case "AveragePool":
      return (attrs.count_include_pad ?? 0) === 0 ? "all" : "zero";
    case "ReduceSum":
      return "zero";
    case "Pad":
      return attrs.value === undefined || attrs.value === 0 ? "zero" : undefined;
    case "Resize":
      return attrs.mode === "cubic" ? undefined : "zero";
    default:
      return undefined;
  }
}

function affineByIndex(x: Lanes, factor: Float64Array, shift: Float64Array): Lanes {
  const [factors, shifts] = [clusters(factor), clusters(shift)];
  const keys = Array.from(x.same, (same, i) => `${same} ${factors[i]} ${shifts[i]}`);
  const constant = x.constant.map((c, i) =>
    factor[i] === 0 ? shift[i] : Number.isNaN(c) ? Number.NaN : factor[i] * c + shift[i],
  );
  const signs = x.signs.map((s, i) => product(s, signsOf(factor[i])) & signsOf(shift[i]));
  return lanesBy(x.axis, keys, constant, signs);
}
