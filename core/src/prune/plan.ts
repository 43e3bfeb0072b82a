import { type Layer, layersOf, typeOf } from "../explain/layers.ts";
import type { Edit } from "../formats/edits.ts";
import {
  constantOf,
  consumers,
  type Graph,
  type Node,
  topological,
  type Value,
} from "../ir/graph.ts";
import type { ChannelRule, Cut, Operator } from "../ops/operator.ts";
import { type Arrangement, indicesOf, whole } from "./arrangement.ts";
import { storedCut } from "./storedCut.ts";

/** Units of one layer, by index in the model as it is. */
export interface UnitSet {
  readonly layer: string;
  readonly units: readonly number[];
}

/** What has to change so that the units are gone; data that preview, file edit and check share. */
export interface PrunePlan {
  readonly removed: readonly UnitSet[];
  /** On the tensors of the model file. */
  readonly edits: readonly Edit[];
  /** Where the units' signals are summed up: masking them there is what the prune must equal. */
  readonly masks: readonly Mask[];
}

export interface Mask {
  /** The node that reads the units' signals, and which of its inputs carries them. */
  readonly node: Node;
  readonly input: number;
  readonly axis: number;
  /** Indices along the axis that become 0. */
  readonly indices: readonly number[];
}

/** Why units cannot go, and where. */
export interface Refusal {
  readonly because: string;
  /** "conv3" or "node Add_12". */
  readonly at: string;
}

export type Planned = { readonly plan: PrunePlan } | { readonly refusal: Refusal };

/** Plans the removal of units from a chain-like part of the graph (Conv, Gemm, MatMul and what follows). */
export function planPrune(graph: Graph, sets: readonly UnitSet[]): Planned {
  const layers = new Map(layersOf(graph).map((l) => [l.name, l]));
  const draft = new Draft(graph);
  const removed: UnitSet[] = [];
  for (const { layer: name, units } of merged(sets)) {
    const layer = layers.get(name);
    if (layer === undefined)
      return no(`there is no layer ${name}; there are ${[...layers.keys()].join(", ")}`, name);
    const refusal = draft.remove(layer, units);
    if (refusal !== undefined) return { refusal };
    removed.push({ layer: name, units });
  }
  return { plan: { removed, edits: draft.edits(), masks: draft.masks } };
}

/** Why no unit of the layer can be pruned; undefined when units can go. */
export function fixedBecause(graph: Graph, layer: Layer): Refusal | undefined {
  return new Draft(graph).remove(layer, layer.units > 1 ? [0] : []);
}

const no = (because: string, at: string): Planned => ({ refusal: { because, at } });

function merged(sets: readonly UnitSet[]): UnitSet[] {
  const all = new Map<string, Set<number>>();
  for (const { layer, units } of sets) {
    const into = all.get(layer) ?? new Set();
    for (const u of units) into.add(u);
    all.set(layer, into);
  }
  return [...all].map(([layer, units]) => ({ layer, units: [...units].sort((a, b) => a - b) }));
}

/** Collects the cuts of one plan. */
class Draft {
  readonly masks: Mask[] = [];
  readonly #uses: ReadonlyMap<Value, readonly Node[]>;
  readonly #readers: ReadonlyMap<string, number>;
  readonly #outputs: ReadonlySet<Value>;
  readonly #cuts = new Map<string, Map<number, Set<number>>>();
  readonly #shapes = new Map<string, number[]>();

  constructor(graph: Graph) {
    this.#uses = consumers(graph);
    this.#outputs = new Set(graph.outputs);
    this.#readers = readersOf(graph);
  }

  edits(): Edit[] {
    const cuts = [...this.#cuts].flatMap(([tensor, axes]) =>
      [...axes].map(
        ([axis, indices]): Edit => ({ tensor, axis, remove: [...indices].sort((a, b) => a - b) }),
      ),
    );
    return [...cuts, ...[...this.#shapes].map(([tensor, replace]): Edit => ({ tensor, replace }))];
  }

  remove(layer: Layer, units: readonly number[]): Refusal | undefined {
    const at = layer.name;
    const bad = units.find((u) => !Number.isInteger(u) || u < 0 || u >= layer.units);
    if (bad !== undefined)
      return { because: `there is no unit ${bad}: ${at} has units 0 to ${layer.units - 1}`, at };
    if (units.length >= layer.units) return { because: "at least one unit must stay", at };
    if (layer.output) return { because: "its units are the outputs of the model", at };
    const own = ownCuts(layer);
    if (typeof own === "string") return { because: own, at };
    const start = whole(layer.units);
    for (const cut of own) {
      const refusal = this.#cut(layer.node, cut, start, units);
      if (refusal !== undefined) return refusal;
    }
    const axis = typeOf(layer.node) === "Conv" ? 1 : layer.node.outputs[0].shape.length - 1;
    return this.#walk(layer.node.outputs[0], axis, start, units);
  }

  /** Follows the units' axis to where it is summed up. */
  #walk(
    value: Value,
    axis: number,
    arrangement: Arrangement,
    units: readonly number[],
  ): Refusal | undefined {
    if (this.#outputs.has(value))
      return { because: "its units reach an output of the model", at: place(value.node) };
    for (const node of this.#uses.get(value) ?? [])
      for (let input = 0; input < node.inputs.length; input++) {
        if (node.inputs[input] !== value) continue;
        const rule = (node.operator as Operator).channels(node, input, axis);
        const refusal = this.#follow(node, input, axis, rule, arrangement, units);
        if (refusal !== undefined) return refusal;
      }
    return undefined;
  }

  #follow(
    node: Node,
    input: number,
    axis: number,
    rule: ChannelRule,
    arrangement: Arrangement,
    units: readonly number[],
  ): Refusal | undefined {
    if (rule.kind === "refuse") return { because: rule.because, at: place(node) };
    for (const cut of rule.cuts) {
      const refusal = this.#cut(node, cut, arrangement, units);
      if (refusal !== undefined) return refusal;
    }
    if (rule.kind === "consume") {
      this.masks.push({ node, input, axis, indices: indicesOf(arrangement, units) });
      return undefined;
    }
    const next = {
      units: arrangement.units,
      outer: arrangement.outer * rule.outer,
      inner: arrangement.inner * rule.inner,
    };
    if (rule.target !== undefined) {
      const refusal = this.#reshape(
        node,
        node.inputs[rule.target.input]!,
        rule.axis,
        indicesOf(next, units).length,
      );
      if (refusal !== undefined) return refusal;
    }
    return this.#walk(node.outputs[0], rule.axis, next, units);
  }

  #cut(
    node: Node,
    { input, axis }: Cut,
    arrangement: Arrangement,
    units: readonly number[],
  ): Refusal | undefined {
    const cut = storedCut(node.inputs[input]!, axis, indicesOf(arrangement, units));
    if (cut === undefined)
      return { because: "its parameters are computed, not stored", at: place(node) };
    const shared = this.#unshared(node, cut.tensor);
    if (shared !== undefined) return shared;
    const tensor = cut.tensor.node.name;
    const axes = this.#cuts.get(tensor) ?? new Map<number, Set<number>>();
    const indices = axes.get(cut.axis) ?? new Set();
    for (const i of cut.indices) indices.add(i);
    this.#cuts.set(tensor, axes.set(cut.axis, indices));
    for (const target of cut.targets) {
      const refusal = this.#reshape(node, target.shape, target.axis, target.fewer);
      if (refusal !== undefined) return refusal;
    }
    return undefined;
  }

  /** A Reshape that names the length of the cut axis gets the new one. */
  #reshape(node: Node, shape: Value, axis: number, fewer: number): Refusal | undefined {
    const shared = this.#unshared(node, shape);
    if (shared !== undefined) return shared;
    const { name } = shape.node;
    const lengths = this.#shapes.get(name) ?? Array.from(constantOf(shape)!.data);
    lengths[axis] -= fewer;
    this.#shapes.set(name, lengths);
    return undefined;
  }

  /** A stored tensor may be cut when one place reads it. */
  #unshared(node: Node, { node: { name } }: Value): Refusal | undefined {
    if (name === "") return { because: "its parameters are computed, not stored", at: place(node) };
    if ((this.#readers.get(name) ?? 0) > 1)
      return { because: `its parameter ${name} is shared with another node`, at: place(node) };
    return undefined;
  }
}

/** The layer's own parameters, cut along its units; or why not. */
function ownCuts({ node, units }: Layer): readonly Cut[] | string {
  const bias = node.inputs[2];
  const biasAxis = (bias?.shape.length ?? 1) - 1;
  const varies = bias !== undefined && bias.shape[biasAxis] === units && bias.shape.length > 0;
  const biasCut = varies ? [{ input: 2, axis: biasAxis }] : [];
  const attrs = node.attrs as { group?: number; transB?: number };
  switch (typeOf(node)) {
    case "Conv":
      if ((attrs.group ?? 1) !== 1) return `it is a grouped convolution (group ${attrs.group})`;
      return [{ input: 1, axis: 0 }, ...biasCut];
    case "Gemm":
      return [{ input: 1, axis: attrs.transB === 1 ? 0 : 1 }, ...biasCut];
    default:
      return [{ input: 1, axis: node.inputs[1]!.shape.length - 1 }];
  }
}

/** How many places read each stored tensor. */
function readersOf(graph: Graph): ReadonlyMap<string, number> {
  const counts = new Map<string, number>();
  for (const node of topological(graph.outputs))
    for (const v of node.inputs)
      if (constantOf(v) !== undefined)
        counts.set(v!.node.name, (counts.get(v!.node.name) ?? 0) + 1);
  return counts;
}

const place = (node: Node): string => `${typeOf(node)} node ${node.name}`;
