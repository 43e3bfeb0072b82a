import { constant, type Node, type Value } from "../../ir/graph.ts";
import { float32, int64, type Tensor } from "../../ir/tensor.ts";
import { operatorOfType } from "../../ops/index.ts";
import { type Attrs, InvalidNode } from "../../ops/operator.ts";
import { axisIn, type Held, isHeld, type Layouts } from "./held.ts";
import { isRecord, type JsonRecord } from "./json.ts";
import { type LayerPlace, variableName, type WeightSource } from "./weightSource.ts";

/** How a class of layers is put into operators. */
export type Lower = (layer: Layer) => Held | readonly Held[];

/** The class, or what its configuration asks for, is not supported: said at the layer. */
export class Unsupported extends Error {}

/** What is the same for every layer of one model. */
export interface Building {
  /** As Keras 2 computes, where that differs. */
  readonly legacy: boolean;
  readonly layouts: Layouts;
  readonly weights: WeightSource;
  readonly constants: Map<string, Value>;
  readonly stored: Map<string, string | undefined>;
  made(node: Node, layer: Layer): void;
}

/** One call of a layer: its configuration, what it is called with, and what its operators are made with. */
export class Layer {
  readonly place: LayerPlace;
  readonly config: JsonRecord;
  readonly inputs: readonly Held[];
  /** What the call has besides its first argument; tensors as `Held`. */
  readonly args: readonly unknown[];
  readonly kwargs: JsonRecord;
  readonly #building: Building;
  /** Affine operators are named as the layer: that is what people know it by. */
  readonly name: string;

  constructor(
    building: Building,
    place: LayerPlace,
    config: JsonRecord,
    call: { inputs: readonly Held[]; args?: readonly unknown[]; kwargs?: JsonRecord },
  ) {
    this.#building = building;
    this.place = place;
    this.config = config;
    this.inputs = call.inputs;
    this.args = call.args ?? [];
    this.kwargs = call.kwargs ?? {};
    this.name = place.path.join("/");
  }

  /** The same call with another layer's configuration: activations, wrapped layers. */
  as(config: JsonRecord, inputs: readonly Held[], sublayer?: string): Layer {
    const place =
      sublayer === undefined
        ? this.place
        : {
            ...this.place,
            path: [...this.place.path, sublayer],
            saved: [...this.place.saved, sublayer],
          };
    return new Layer(this.#building, place, config, { inputs });
  }

  get legacy(): boolean {
    return this.#building.legacy;
  }

  get input(): Held {
    const [first] = this.inputs;
    if (first === undefined) throw new InvalidNode("it is called with no tensor");
    return first;
  }

  /** Keras's own order of axes. */
  plain = (held: Held): Value => this.#building.layouts.plain(held);
  /** Channels behind the batch. */
  first = (held: Held): Value => this.#building.layouts.first(held);

  /** The result of something done element by element, which leaves the order of axes alone. */
  like = (held: Held, value: Value): Held => ({ ...held, value });

  axis(held: Held, axis: number): number {
    const rank = held.value.shape.length;
    if (!Number.isInteger(axis) || axis < -rank || axis >= rank)
      throw new InvalidNode(`axis ${axis} is outside rank ${rank}`);
    return axisIn(held, axis);
  }

  /** The only output of an operator in ONNX's form: what are constants there are constants here. */
  op(type: string, attrs: Attrs, ...inputs: (Value | undefined)[]): Value {
    return this.node(type, attrs, inputs).outputs[0];
  }

  node(type: string, attrs: Attrs, inputs: readonly (Value | undefined)[]): Node {
    const operator = operatorOfType.get(type);
    if (operator === undefined) throw new Unsupported(`the operator ${type}, which it needs,`);
    const given = [...inputs];
    while (given.length > 0 && given.at(-1) === undefined) given.pop();
    const form = operator.fromOnnx?.({ inputs: given, attrs }) ?? { inputs: given, attrs };
    const affine = ["Conv", "ConvTranspose", "Gemm", "MatMul", "LSTM", "GRU", "RNN"].includes(type);
    const made = operator.node(
      form.attrs,
      form.inputs,
      affine ? this.name : `${this.name}/${type}`,
    );
    this.#building.made(made, this);
    return made;
  }

  reshape(x: Value, target: readonly number[]): Value {
    return this.op("Reshape", {}, x, this.ints(target));
  }

  transpose(x: Value, perm: readonly number[]): Value {
    return perm.every((p, i) => p === i) ? x : this.op("Transpose", { perm }, x);
  }

  ints = (values: readonly number[]): Value => constant(int64([values.length], values));
  floats = (values: readonly number[], shape: readonly number[] = [values.length]): Value =>
    constant(float32(shape, values));
  /** A scalar. */
  number = (value: number): Value => constant(float32([], [value]));

  /** Lengths that only the configuration has, as a constant that edits can name. */
  target(variable: string, values: readonly number[]): Value {
    return this.#named(variable, undefined, () => int64([values.length], values));
  }

  /** Stands for a variable that the layer leaves out because its values are all the same. */
  implied(variable: string, length: number, value: number): Value {
    return this.#named(variable, undefined, () =>
      float32([length], new Float32Array(length).fill(value)),
    );
  }

  /** All variables of the layer, in Keras's order. */
  variables(names: readonly string[]): readonly Value[] {
    const found = this.#building.weights.variables(this.place, names);
    return names.map((name, i) => {
      const variable = found[i];
      if (variable === undefined) throw new InvalidNode(`its variable ${name} is not in the file`);
      return this.#named(name, variable.name, () => variable.tensor);
    });
  }

  #named(variable: string, stored: string | undefined, tensor: () => Tensor): Value {
    const name = variableName(this.place.path, variable);
    const known = this.#building.constants.get(name);
    if (known !== undefined) return known;
    const value = constant(tensor(), name);
    this.#building.constants.set(name, value);
    this.#building.stored.set(name, stored);
    return value;
  }

  /** As when it is applied: what a layer does in training only must not have been asked for. */
  applied(): void {
    if (this.kwargs.training === true) throw new Unsupported("called as in training");
  }

  flag(key: string, absent: boolean): boolean {
    const value = this.config[key];
    return typeof value === "boolean" ? value : absent;
  }

  real(key: string, absent: number): number {
    const value = numberOf(this.config[key]);
    if (value === undefined && this.config[key] !== undefined && this.config[key] !== null)
      throw new InvalidNode(`its ${key} is not a number`);
    return value ?? absent;
  }

  text(key: string, absent: string): string {
    const value = this.config[key];
    return typeof value === "string" ? value : absent;
  }

  /** One integer for each of `count` axes; a single number stands for all. */
  numbers(key: string, count: number, absent: number): readonly number[] {
    const value = this.config[key] ?? absent;
    const all = Array.isArray(value) ? value : new Array<unknown>(count).fill(value);
    if (all.length !== count || !all.every((v) => Number.isInteger(v)))
      throw new InvalidNode(`its ${key} must be ${count} integers`);
    return all;
  }

  /** A length of the input that must be known. */
  length(held: Held, axis: number): number {
    const d = held.value.shape[this.axis(held, axis)];
    if (typeof d !== "number")
      throw new Unsupported(`an input whose axis ${axis} has no fixed length`);
    return d;
  }

  rank(held: Held, ranks: readonly number[]): number {
    const rank = held.value.shape.length;
    if (!ranks.includes(rank))
      throw new InvalidNode(`its input has rank ${rank}, not ${ranks.join(" or ")}`);
    return rank;
  }

  unmasked(): void {
    if (this.inputs.some((held) => held.masked === true) || isHeld(this.kwargs.mask))
      throw new Unsupported("it obeys the mask of an Embedding or Masking layer, which");
  }
}

/** Numbers are also written as `{class_name: "__numpy__" …}` or as text. */
export function numberOf(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (isRecord(value) && typeof value.value === "number") return value.value;
  return undefined;
}
