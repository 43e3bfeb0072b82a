import { constant, constantOf, type Value } from "../../ir/graph.ts";
import {
  type Dim,
  type DType,
  int64,
  isFloat,
  sameShape,
  type Tensor,
  typed,
} from "../../ir/tensor.ts";
import { product } from "../../ops/dims.ts";
import { InvalidNode } from "../../ops/operator.ts";
import { reshape } from "../../ops/reshape.ts";
import type { Contents } from "./contents.ts";
import type { Step } from "./program.ts";

type Known = (value: Value | undefined) => Contents | undefined;

/** What was known of an input of a node when the file was read. */
interface Argument {
  readonly contents: Contents;
  readonly dtype: DType;
  /** It stands in the file as it is. */
  readonly stored: boolean;
}

interface Reading {
  readonly inputs: readonly (Argument | undefined)[];
  /** The node only computes lengths: what it gives is not in the graph. */
  readonly folded: boolean;
  /** The target of a Reshape in the graph: 0 copies, −1 is inferred. */
  readonly target: readonly number[] | undefined;
}

/** What the nodes of the file's graph read that is known without running it. By their number. */
export class Arguments {
  readonly #readings = new Map<number, Reading>();
  readonly #known: Known;

  constructor(known: Known) {
    this.#known = known;
  }

  note(
    step: Step,
    inputs: readonly (Value | undefined)[],
    outputs: readonly (Value | undefined)[],
    isStored: (name: string) => boolean,
    target: Tensor | undefined,
  ): void {
    if (step.path === undefined) return;
    const found = inputs.map((value, i): Argument | undefined => {
      const contents = this.#known(value);
      if (value === undefined || contents === undefined || !isComputed(value, contents))
        return undefined;
      return { contents, dtype: value.dtype, stored: isStored(step.proto.inputs[i]) };
    });
    this.#readings.set(step.index, {
      inputs: found,
      folded: outputs.every((v) => v === undefined || this.#known(v) !== undefined),
      target: target && Array.from(target.data),
    });
  }

  of(step: Step): Reading | undefined {
    return step.path === undefined ? undefined : this.#readings.get(step.index);
  }
}

/** A constant, or lengths by name: not what is made of stored parameters, which edits change. */
const isComputed = (value: Value, { items }: Contents): boolean =>
  constantOf(value) !== undefined || !items.every((item) => typeof item === "number");

/** Lengths that a plan asks for: by the node's number and its input. */
export class Wanted {
  readonly #lists = new Map<number, Map<number, readonly Dim[]>>();

  set(node: number, input: number, list: readonly Dim[]): void {
    const own = this.#lists.get(node) ?? new Map<number, readonly Dim[]>();
    this.#lists.set(node, own.set(input, list));
  }

  get(node: number, input: number): readonly Dim[] | undefined {
    return this.#lists.get(node)?.get(input);
  }

  remove(node: number, input: number): void {
    this.#lists.get(node)?.delete(input);
  }

  *all(): Iterable<{ node: number; input: number; list: readonly Dim[] }> {
    for (const [node, inputs] of this.#lists)
      for (const [input, list] of inputs) yield { node, input, list };
  }
}

/** A stored constant that an input of a node reads from now on. */
export interface Pin {
  readonly step: Step;
  readonly input: number;
  readonly name: string;
  readonly tensor: Tensor;
}

/**
 * Keeps what an edited file computes from lengths as the plan has it. Where a computed argument comes out
 * by itself as it should, nothing is done; else the node reads a stored constant in its place.
 */
export class Pinning {
  readonly pins: Pin[] = [];
  /** Reshape nodes whose zeros have to copy from now on. */
  readonly copying: Step[] = [];
  readonly #before: Arguments;
  readonly #wanted: Wanted;
  readonly #nameOf: (step: Step, input: number) => string;
  readonly #narrow: boolean;

  /** @param narrow the file computes in 16-bit floats, which a constant would have to have too */
  constructor(
    before: Arguments,
    wanted: Wanted,
    nameOf: (step: Step, input: number) => string,
    narrow: boolean,
  ) {
    this.#before = before;
    this.#wanted = wanted;
    this.#nameOf = nameOf;
    this.#narrow = narrow;
  }

  /** The step and its inputs as they are after the edits. Throws InvalidNode where a length cannot be stored. */
  settled(
    step: Step,
    inputs: readonly (Value | undefined)[],
    known: Known,
  ): { readonly step: Step; readonly inputs: readonly (Value | undefined)[] } {
    const before = this.#before.of(step);
    if (before === undefined) return { step, inputs };
    let now = step;
    const settled = inputs.map((value, input) => {
      const argument = before.inputs[input];
      const wanted = this.#wanted.get(step.index, input);
      if (value === undefined || argument === undefined) return value;
      if (wanted === undefined && (argument.stored || before.folded)) return value;
      if (step.proto.type === "Reshape" && input === 1 && before.target !== undefined) {
        const numbers = (wanted ?? before.target) as readonly number[];
        if (reshapes(step, inputs, known, numbers)) return value;
        now = this.#copying(now, numbers);
        return this.#pin(step, input, numbers, argument);
      }
      const list = wanted ?? argument.contents.items;
      const found = known(value);
      const shape = argument.contents.shape;
      if (found !== undefined && sameShape(found.shape, shape) && same(found.items, list))
        return value;
      return this.#pin(step, input, numbersOf(step, list, inputs[0]), argument);
    });
    return { step: now, inputs: settled };
  }

  #pin(step: Step, input: number, numbers: readonly number[], argument: Argument): Value {
    const { dtype, contents } = argument;
    if (this.#narrow && isFloat(dtype))
      throw new InvalidNode(`${step.proto.type}: it reads a float16 that depends on a length`);
    const tensor = typed({ dtype, shape: contents.shape }, numbers);
    const name = this.#nameOf(step, input);
    this.pins.push({ step, input, name, tensor });
    return constant(tensor, name);
  }

  #copying(step: Step, numbers: readonly number[]): Step {
    const { proto } = step;
    if (!numbers.includes(0) || !proto.attributes.some((a) => a.name === "allowzero" && a.i === 1))
      return step;
    this.copying.push(step);
    const attributes = proto.attributes.map((a) => (a.name === "allowzero" ? { ...a, i: 0 } : a));
    return { ...step, proto: { ...proto, attributes } };
  }
}

const same = (a: readonly unknown[], b: readonly unknown[]): boolean =>
  a.length === b.length && a.every((x, i) => x !== undefined && x === b[i]);

/** Whether the target that the node reads gives the shape that the numbers give. */
function reshapes(
  { proto }: Step,
  [x, shape]: readonly (Value | undefined)[],
  known: Known,
  numbers: readonly number[],
): boolean {
  const items = known(shape)?.items;
  if (x === undefined || items === undefined) return false;
  const target = constant(int64([numbers.length], numbers));
  const wanted = reshape({}, x, target).shape;
  const copies = !proto.attributes.some((a) => a.name === "allowzero" && a.i === 1);
  const dims = items.map((d, i) => (d === 0 && copies ? x.shape[i] : d));
  if (dims.length !== wanted.length || product(x.shape) !== product(wanted)) return false;
  // One length may be inferred: the others and the product decide it.
  return dims.every((d, i) => d === wanted[i] || (d === -1 && dims.indexOf(-1) === i));
}

/** A length by name that stays is 1 for Expand. */
function numbersOf(
  { proto }: Step,
  list: readonly (Dim | undefined)[],
  x: Value | undefined,
): readonly number[] {
  return list.map((d, i) => {
    if (typeof d === "number") return d;
    if (proto.type === "Expand" && d !== undefined && x?.shape.at(i - list.length) === d) return 1;
    throw new InvalidNode(
      `${proto.type}: the lengths it reads change with units, and ${d ?? "one"} is only known when the model runs`,
    );
  });
}
