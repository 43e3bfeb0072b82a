import type { Node, Value } from "../../ir/graph.ts";
import type { Dim } from "../../ir/tensor.ts";
import { each } from "../../ops/channels.ts";
import { factor } from "../../ops/dims.ts";
import type { ChannelRule, Operator, Port } from "../../ops/operator.ts";
import { overlaps, regroup } from "../../ops/reshape.ts";

/** Axes of a node's inputs and outputs whose indices go together: those that have the same label. */
export interface Link {
  readonly node: Node;
  readonly ends: readonly End[];
  /** Other links of the node share one of its ends; only one of them can hold at a time. */
  readonly alternative: boolean;
}

/**
 * How many units an axis counts. Of one that goes over the batch, too ("4*N"), those of one sample: index i
 * stands for all that leave the rest i.
 */
export const unitsAlong = (length: Dim): number => factor(length);

const hasUnits = (length: Dim): boolean => typeof length === "number" || factor(length) > 1;

/** One axis of a value, as an input or the output of a node. */
export class End {
  readonly value: Value;
  readonly axis: number;
  /** Which input; undefined: an output. */
  readonly input: number | undefined;
  /** The node sums over the axis: signals end there. */
  readonly summed: boolean;
  readonly label: (index: number) => number;
  #known: Map<number, number[]> | undefined;

  constructor(node: Node, port: Port) {
    this.value = "input" in port ? node.inputs[port.input]! : node.outputs[port.output];
    this.axis = port.axis;
    this.input = "input" in port ? port.input : undefined;
    this.summed = port.summed ?? false;
    this.label = port.label;
  }

  get length(): number {
    return unitsAlong(this.value.shape[this.axis]);
  }

  /** The axis has the length, each index for itself. */
  carries(length: Dim): boolean {
    return this.label === each && !this.summed && this.value.shape[this.axis] === length;
  }

  is(value: Value, axis: number, input: number | undefined): boolean {
    return this.value === value && this.axis === axis && this.input === input;
  }

  /** The indices that have one of the labels. */
  indices(labels: ReadonlySet<number>): readonly number[] {
    const { length } = this;
    if (this.label === each) return [...labels].filter((i) => i >= 0 && i < length);
    this.#known ??= byLabel(length, this.label);
    const found: number[] = [];
    for (const label of labels) for (const i of this.#known.get(label) ?? []) found.push(i);
    return found;
  }
}

/** How the axes of a node hang together, from its operator's channel rule. */
export class NodeLinks {
  readonly #node: Node;
  readonly #operator: Operator;
  readonly #links: Link[] = [];
  readonly #refusals = new Map<string, string>();

  constructor(node: Node, operator: Operator, isUsed: (value: Value) => boolean) {
    this.#node = node;
    this.#operator = operator;
    node.inputs.forEach((value, input) => {
      value?.shape.forEach((length, axis) => {
        // The relation is the same from both sides: an axis that takes part in a link needs no other.
        const linked = this.#links.some((l) => l.ends.some((e) => e.is(value, axis, input)));
        if (hasUnits(length) && !linked) this.#add(input, axis, isUsed);
      });
    });
    if (isRegrouping(operator)) this.#split();
    this.#repeat();
  }

  /** The links that an axis of an input or output takes part in. */
  of(value: Value, axis: number, input: number | undefined): readonly Link[] {
    return this.#links.filter((l) => l.ends.some((e) => e.is(value, axis, input)));
  }

  /** Why an axis takes part in none. */
  because(axis: number, input: number | undefined): string {
    if (input !== undefined) return this.#refusals.get(key(input, axis)) ?? this.#unknown();
    const own = this.#node.inputs.map((_, i) => this.#refusals.get(key(i, axis)));
    return own.find((b) => b !== undefined) ?? this.#unknown();
  }

  #unknown(): string {
    return `${this.#operator.type} makes the units of its own`;
  }

  #add(input: number, axis: number, isUsed: (value: Value) => boolean): void {
    const { inputs, outputs } = this.#node;
    const rule = this.#operator.channels(this.#node, input, axis);
    if (rule.kind === "refuse") {
      this.#refusals.set(key(input, axis), rule.because);
      return;
    }
    if (rule.kind === "carry" && outputs.slice(1).some(isUsed)) {
      const why = `${this.#operator.type} hands the units on to several places`;
      this.#refusals.set(key(input, axis), why);
      return;
    }
    const ends = portsOf(rule, input, axis, inputs[input]!).map(
      (port) => new End(this.#node, port),
    );
    const alternative = isRegrouping(this.#operator);
    const length = inputs[input]!.shape[axis];
    if (typeof length === "string" && !alternative && !ends.every((e) => e.carries(length))) {
      const why = `${this.#operator.type} takes the units together with the batch`;
      this.#refusals.set(key(input, axis), why);
      return;
    }
    this.#links.push({ node: this.#node, ends, alternative });
  }

  /** Axes of the first output along which one element is repeated. */
  #repeat(): void {
    const node = this.#node;
    if (this.#operator.repeats === undefined) return;
    node.outputs[0].shape.forEach((length, axis) => {
      if (typeof length !== "number" || !this.#operator.repeats!(node, axis)) return;
      const ends = [new End(node, { output: 0, axis, label: each })];
      this.#links.push({ node, ends, alternative: false });
    });
  }

  /** An axis that Reshape splits: each of its parts carries the units in another arrangement. */
  #split(): void {
    const [x] = this.#node.inputs;
    const [y] = this.#node.outputs;
    y.shape.forEach((length, axis) => {
      if (!hasUnits(length)) return;
      const units = unitsAlong(length);
      const back = regroup(y.shape, x!.shape, axis, this.#operator.type);
      if (back.kind !== "carry" || back.outer * back.inner === 1) return;
      const ends = [
        new End(this.#node, { input: 0, axis: back.axis, label: standing(units, back.inner) }),
        new End(this.#node, { output: 0, axis, label: each }),
      ];
      this.#links.push({ node: this.#node, ends, alternative: true });
    });
    for (const { from, to, units, innerFrom, innerTo } of overlaps(x!.shape, y.shape)) {
      const ends = [
        new End(this.#node, { input: 0, axis: from, label: standing(units, innerFrom) }),
        new End(this.#node, { output: 0, axis: to, label: standing(units, innerTo) }),
      ];
      this.#links.push({ node: this.#node, ends, alternative: true });
    }
  }
}

const key = (input: number, axis: number): string => `${input}.${axis}`;

const isRegrouping = ({ type }: Operator): boolean => type === "Reshape" || type === "Flatten";

/** Unit u of U stands at o·(U·inner) + u·inner + k. */
const standing =
  (units: number, inner: number) =>
  (index: number): number =>
    Math.floor(index / inner) % units;

function portsOf(
  rule: Exclude<ChannelRule, { kind: "refuse" }>,
  input: number,
  axis: number,
  value: Value,
): readonly Port[] {
  if (rule.kind === "join") return rule.ports;
  const own = [{ input, axis }, ...rule.cuts].map((cut): Port => ({ ...cut, label: each }));
  if (rule.kind === "consume") return own.map((port) => ({ ...port, summed: true }));
  const units = unitsAlong(value.shape[axis]);
  const moved = rule.outer * rule.inner === 1 ? each : standing(units, rule.inner);
  return [...own, { output: 0, axis: rule.axis, label: moved }];
}

function byLabel(length: number, label: (index: number) => number): Map<number, number[]> {
  const found = new Map<number, number[]>();
  for (let i = 0; i < length; i++) {
    const own = found.get(label(i));
    if (own === undefined) found.set(label(i), [i]);
    else own.push(i);
  }
  return found;
}
