import {
  constant,
  constantOf,
  isConstant,
  type Node,
  topological,
  type Value,
} from "../../../ir/graph.ts";
import { type Dim, int64, type Shape, size, type Tensor } from "../../../ir/tensor.ts";
import { operatorOfType } from "../../../ops/index.ts";
import { type Attrs, InvalidNode } from "../../../ops/operator.ts";
import { evaluate } from "../../../runtime/reference.ts";
import type { Attributes } from "./attributes.ts";
import type { GraphNode } from "./graphDef.ts";
import {
  channelsFirst,
  type Given,
  type Held,
  identity,
  isIdentity,
  rankOf,
  type SizeEntry,
  shapeOf,
} from "./held.ts";

/** Turns one node of TensorFlow into Kaibo's operators; several outputs as a list. */
export type Converter = (call: Call) => Given | readonly Given[];

/** What the whole graph shares while it is built. */
export interface Shared {
  /** Each value in another order, made once. */
  readonly orders: Map<Value, Map<string, Value>>;
  /** How often each output of a node is read: "name:0". */
  uses(node: string, output: number): number;
  made(node: Node): void;
  /** The name for an operator, unique: one node of TensorFlow can become several. */
  name(wanted: string, type: string): string;
  /** Remembers a target of a Reshape that is put together from stored numbers; its name, if it can be edited. */
  target(name: string, entries: readonly SizeEntry[]): string;
  /** Remembers where an attribute comes from. */
  setting(node: Node, attribute: string, source: SettingSource): void;
}

/** A stored list of integers that an attribute was made of: editing it edits the attribute. */
export interface SettingSource {
  readonly tensor: string;
  /** Nodes of TensorFlow that read it. */
  readonly readers: number;
  /** The list for a new value of the attribute. */
  list(value: readonly number[]): readonly number[];
}

/** Shape arithmetic is on vectors as long as a rank. */
const MOST_NUMBERS = 4096;
const MOST_ON_THE_WAY = 2 ** 20;

/** The node is not supported, whatever its inputs are. */
export class Unsupported extends Error {}

/** One node with its inputs: what a converter works with. */
export class Call {
  readonly node: GraphNode;
  readonly attributes: Attributes;
  readonly inputs: readonly Given[];
  readonly #shared: Shared;

  constructor(node: GraphNode, inputs: readonly Given[], shared: Shared) {
    this.node = node;
    this.attributes = node.attributes;
    this.inputs = inputs;
    this.#shared = shared;
  }

  /** The operator in the form of ONNX opset 21; its first output. */
  apply(type: string, attrs: Attrs, ...inputs: readonly (Value | undefined)[]): Value {
    return this.all(type, attrs, inputs)[0];
  }

  /** Every output. */
  all(type: string, attrs: Attrs, inputs: readonly (Value | undefined)[]): readonly Value[] {
    return this.#make(type, attrs, inputs, this.#shared.name(this.node.name, type));
  }

  /** What only moves or renames axes: never called by the node's own name. */
  moving(type: string, attrs: Attrs, ...inputs: readonly Value[]): Value {
    const name = this.#shared.name(`${this.node.name}/${type}`, type);
    return this.#make(type, attrs, inputs, name)[0];
  }

  #make(
    type: string,
    attrs: Attrs,
    inputs: readonly (Value | undefined)[],
    name: string,
  ): readonly Value[] {
    const operator = operatorOfType.get(type);
    if (operator === undefined) throw new Unsupported(`it needs ${type}, which is not supported`);
    const given = inputs.slice(0, 1 + inputs.findLastIndex((v) => v !== undefined));
    const form = operator.fromOnnx?.({ inputs: given, attrs }) ?? { inputs: given, attrs };
    const made = operator.node(form.attrs, form.inputs, name);
    for (const { shape } of made.outputs) checkShape(shape, type);
    this.#shared.made(made);
    return made.outputs;
  }

  /** In whatever order it is held. */
  tensor(index: number): Held {
    const held = this.any(index);
    if (held.blocks?.some((b) => b !== undefined))
      throw new Unsupported("SpaceToBatchND is read only around a convolution");
    return held;
  }

  /** The same, for those that also know blocks. */
  any(index: number): Held {
    const given = this.inputs[index];
    if (given === undefined) throw new InvalidNode(`input ${index} is missing`);
    if (given.kind === "tensor") return given;
    const numbers = this.numbers(index);
    const shape = given.scalar ? [] : [numbers.length];
    const value = constant({ dtype: "int32", shape, data: Int32Array.from(numbers) });
    return { kind: "tensor", value, order: identity(shape.length) };
  }

  /** The same, for those that work element by element: zeros that cutting adds would not stay zeros. */
  elements(index: number): Held {
    const held = this.any(index);
    const adds = held.blocks?.some((b) => b !== undefined && b.before + b.after > 0) ?? false;
    return adds ? this.tensor(index) : held;
  }

  /** As TensorFlow has it. */
  plain(index: number): Value {
    const held = this.tensor(index);
    return this.reorder(held, identity(rankOf(held)));
  }

  /** An image that TensorFlow has channels last. */
  first(index: number): Value {
    const held = this.any(index);
    if (rankOf(held) < 3)
      throw new InvalidNode(`input ${index} has rank ${rankOf(held)}, not 3 or more`);
    return this.reorder(held, channelsFirst(rankOf(held)));
  }

  reorder({ value, order }: Held, wanted: readonly number[]): Value {
    const perm = wanted.map((axis) => order.indexOf(axis));
    if (isIdentity(perm)) return value;
    const known = this.#shared.orders.get(value) ?? new Map<string, Value>();
    this.#shared.orders.set(value, known);
    const found = known.get(perm.join()) ?? this.#moved(value, perm);
    known.set(perm.join(), found);
    return found;
  }

  /** Constants whose long axes stay in order are only reshaped. */
  #moved(value: Value, perm: readonly number[]): Value {
    const long = perm.filter((axis) => value.shape[axis] !== 1);
    const shape = perm.map((axis) => value.shape[axis]);
    return isConstant(value) && long.every((axis, i) => i === 0 || long[i - 1] < axis)
      ? this.reshape(value, shape)
      : this.moving("Transpose", { perm }, value);
  }

  /** Another shape of the same elements; symbolic lengths are copied or, one of them, inferred. */
  reshape(value: Value, shape: Shape): Value {
    if (shape.length === value.shape.length && shape.every((d, i) => d === value.shape[i]))
      return value;
    const target = targetOf(value.shape, shape);
    const numbers = constant(int64([shape.length], target.numbers));
    return this.moving("Reshape", target.attrs, value, numbers);
  }

  /** Notes that a list attribute of the value's node is made of the numbers of an input. */
  setting(
    { node }: Value,
    attribute: string,
    index: number,
    list: (value: readonly number[]) => readonly number[],
  ): void {
    const entries = this.sizes(index);
    const tensor = entries[0]?.from?.tensor;
    const whole = entries.every(({ from }, i) => from?.tensor === tensor && from?.index === i);
    if (tensor === undefined || !whole) return;
    const readers = this.#shared.uses(tensor, 0);
    this.#shared.setting(node, attribute, { tensor, readers, list });
  }

  /** A target of Reshape that the file can be edited by. */
  target(index: number, numbers: readonly number[]): Value {
    const given = this.inputs[index];
    const named = given.kind === "tensor" ? given.value.node.name : "";
    const name =
      given.kind === "tensor"
        ? constantOf(given.value) === undefined
          ? ""
          : named
        : this.#shared.target(this.node.inputs[index].node, given.entries);
    return constant(int64([numbers.length], numbers), name);
  }

  /** Lengths that are known while reading. */
  sizes(index: number): readonly SizeEntry[] {
    const given = this.inputs[index];
    if (given === undefined) throw new InvalidNode(`input ${index} is missing`);
    if (given.kind === "sizes") return given.entries;
    const { data } = this.#constant(given, index);
    const stored = constantOf(given.value) === undefined ? "" : given.value.node.name;
    return Array.from(data, (dim, i) => ({
      dim,
      from: stored === "" ? undefined : { tensor: stored, index: i },
    }));
  }

  /** An input that TensorFlow gives as a tensor and that must be the same for every sample. */
  numbers(index: number): readonly number[] {
    return this.sizes(index).map(({ dim }) => {
      if (typeof dim === "number") return dim;
      throw new InvalidNode(`input ${index} depends on the length ${dim}, which is not known`);
    });
  }

  /** Of the inputs, whether one is lengths that are not all numbers. */
  get symbolic(): boolean {
    return this.inputs.some((given) => given.kind === "sizes");
  }

  #constant(held: Held, index: number): Tensor {
    const value = this.reorder(held, identity(rankOf(held)));
    const shape = value.shape.filter((d) => typeof d === "number");
    if (!isConstant(value) || shape.length !== value.shape.length)
      throw new InvalidNode(`input ${index} is computed from the data: it must be a constant`);
    if (size(shape) > MOST_NUMBERS)
      throw new InvalidNode(`input ${index} has ${size(shape)} numbers, more than ${MOST_NUMBERS}`);
    const stored = constantOf(value);
    if (stored !== undefined) return stored;
    for (const { outputs } of topological([value]))
      if (
        outputs.some(
          (v) => !(size(v.shape.filter((d) => typeof d === "number")) <= MOST_ON_THE_WAY),
        )
      )
        throw new InvalidNode(`input ${index} is computed from too many numbers`);
    return evaluate([value], new Map())[0];
  }

  /** An axis as a number from 0. */
  axis(value: number, rank: number): number {
    if (!Number.isInteger(value) || value < -rank || value >= rank)
      throw new InvalidNode(`axis ${value} is outside rank ${rank}`);
    return value < 0 ? value + rank : value;
  }

  axes(values: readonly number[], rank: number): readonly number[] {
    const axes = values.map((a) => this.axis(a, rank));
    if (new Set(axes).size !== axes.length) throw new InvalidNode("an axis is repeated");
    return axes;
  }

  /** A constant list of integers, as ONNX wants axes and starts. */
  integers(values: readonly number[]): Value {
    return constant(int64([values.length], values));
  }

  integer(value: number): Value {
    return constant(int64([], [value]));
  }

  /** Whether anybody reads an output of this node. */
  read(output: number): boolean {
    return this.#shared.uses(this.node.name, output) > 0;
  }

  /** Only this node reads the input. */
  alone(index: number): boolean {
    const { node, output } = this.node.inputs[index];
    return this.#shared.uses(node, output) === 1;
  }

  /** The whole shape of an input, in TensorFlow's order. */
  shape(index: number): Shape {
    return shapeOf(this.tensor(index));
  }
}

export interface Target {
  readonly numbers: readonly number[];
  readonly attrs: Attrs;
}

/** The target of a Reshape as ONNX writes it: 0 copies a length, −1 is inferred. */
export function targetOf(from: Shape, to: readonly Dim[]): Target {
  const numbers = to.map((d, i) => (typeof d === "number" ? d : from[i] === d ? 0 : -1));
  if (numbers.filter((n) => n === -1).length > 1)
    throw new InvalidNode(
      `[${from.join(", ")}] to [${to.join(", ")}]: more than one length is not known`,
    );
  if (!to.includes(0)) return { numbers, attrs: {} };
  if (to.some((d, i) => typeof d === "string" && from[i] === d))
    throw new InvalidNode(`[${to.join(", ")}] has an axis of length 0`);
  return { numbers, attrs: { allowzero: 1 } };
}

function checkShape(shape: Shape, type: string): void {
  const numbers = shape.filter((d) => typeof d === "number");
  if (
    numbers.some((d) => !Number.isSafeInteger(d) || d < 0) ||
    !Number.isSafeInteger(size(numbers))
  )
    throw new InvalidNode(`${type}: its result would have shape [${shape.join(", ")}]`);
}
