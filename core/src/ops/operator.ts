import { makeNode, type Node, type Value } from "../ir/graph.ts";
import type { Dim, Tensor, Type } from "../ir/tensor.ts";

/** Attribute values, as in ONNX: numbers, strings, lists of them, tensors; and lists of lengths. */
export type Attr =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | readonly Dim[]
  | Tensor;
export type Attrs = { readonly [name: string]: Attr | undefined };

/**
 * All that Kaibo knows of one operator; one file each, with the operator's ONNX documentation as its
 * specification (canonical opset: see formats/onnx/upgrade).
 */
export interface Definition<A extends object = Attrs> {
  /** The ONNX operator type. */
  readonly type: string;
  /** Types of the outputs. Throws InvalidNode where the inputs do not fit. Dims may be symbolic. */
  infer(inputs: readonly (Value | undefined)[], attrs: A): readonly Type[];
  /** Reference evaluation in float64: slow, obvious, the oracle of every other runtime. */
  evaluate(
    inputs: readonly (Tensor | undefined)[],
    attrs: A,
    types: readonly { readonly dtype: Type["dtype"]; readonly shape: readonly number[] }[],
  ): readonly Tensor[];
  /**
   * Vector–Jacobian product, as graph nodes: from the cotangents of the outputs (undefined: zero) to
   * one cotangent per input (undefined: none). Shapes are known numbers here.
   * "none": piecewise constant, the derivative is zero almost everywhere.
   * "missing": differentiable, but not here yet: refused by name, never passed over.
   */
  readonly gradient:
    | "none"
    | "missing"
    | ((
        cotangents: readonly (Value | undefined)[],
        node: Node<A>,
      ) => readonly (Value | undefined)[]);
  /** How the indices of one axis of one input go through: for pruning and for grouping units. */
  channels(node: Node<A>, input: number, axis: number): ChannelRule;
  /** Whether the first output repeats one element along the axis: its indices go by themselves. */
  repeats?(node: Node<A>, axis: number): boolean;
  /**
   * The attributes that count units (groups, the lengths of parts), after units are gone. Attributes
   * that need not change are left out. Throws InvalidNode where attributes cannot say what is left.
   */
  fitted?(node: Node<A>, gone: Gone): Partial<A>;
  /** Multiply–accumulates for one application (shapes known); 0 where negligible. */
  macs?(node: Node<A>): number;
  /** Attributes that ONNX stores as floats: the number 1 alone does not tell. */
  readonly floatAttrs?: readonly string[];
  /** How many outputs there are is part of the meaning: those that nobody reads are written as well. */
  readonly variadicOutputs?: true;
  /**
   * The node in standard ONNX (opset 21), where that differs: what is an attribute here and a constant
   * input there. Absent: inputs and attributes are ONNX's own.
   */
  onnx?(node: Node<A>): OnnxForm;
  /** The inverse, for nodes that come from a file. Throws InvalidNode where an input is not constant. */
  fromOnnx?(form: OnnxForm): OnnxForm;
  /** Applications that document the operator; every test of operators runs over them. */
  readonly examples: readonly Example<NoInfer<A>>[];
}

/** Inputs and attributes as ONNX has them. */
export interface OnnxForm {
  readonly inputs: readonly (Value | undefined)[];
  readonly attrs: Attrs;
}

/**
 * The indices of the axis
 * - carry on to `axis` of the output, unit u of U standing at o·(U·inner) + u·inner + k for
 *   o < outer, k < inner relative to the incoming arrangement (outer 0: as many as a length by name says);
 *   parameters in `cuts` go with them;
 * - or end here (`consume`: they are summed over), with the parameters in `cuts`;
 * - or go together with indices of the axes in `ports` (one is the axis itself): those of the same label;
 * - or cannot be cut, because.
 */
export type ChannelRule =
  | {
      readonly kind: "carry";
      readonly axis: number;
      readonly outer: number;
      readonly inner: number;
      readonly cuts: readonly Cut[];
      /** The shape constant at this input names the length of the output axis: write the new length there. */
      readonly target?: { readonly input: number };
    }
  | { readonly kind: "consume"; readonly cuts: readonly Cut[] }
  | { readonly kind: "join"; readonly ports: readonly Port[] }
  | { readonly kind: "refuse"; readonly because: string };

/** One axis of an input or output of a node. */
export type Port = ({ readonly input: number } | { readonly output: number }) & {
  readonly axis: number;
  /** Indices of the ports of a rule that have the same label go together. */
  readonly label: (index: number) => number;
  /** The node sums over the axis: signals end there. */
  readonly summed?: true;
};

/** The indices that an axis of an input or output loses, ascending. */
export type Gone = (
  end: { readonly input: number } | { readonly output: number },
  axis: number,
) => readonly number[];

/** Another input of the node (a parameter, or a computed value) that loses the same indices of an axis. */
export interface Cut {
  readonly input: number;
  readonly axis: number;
}

export interface Example<A extends object = Attrs> {
  /** Inputs: a shape (filled with float values that avoid kinks), a tensor (used as is), or absent. */
  readonly inputs: readonly (readonly number[] | Tensor | undefined)[];
  readonly attrs: A;
  /** Inputs that stay constant: not differentiated, and constants in the graph. */
  readonly constants?: readonly number[];
  readonly note?: string;
}

/** Operators are called to build graphs: `relu({}, x)`; `conv.node(attrs, inputs)` gives every output. */
export interface Operator<A extends object = Attrs> extends Definition<A> {
  (attrs: A, ...inputs: (Value | undefined)[]): Value;
  node(attrs: A, inputs: readonly (Value | undefined)[], name?: string): Node<A>;
}

/** The inputs of a node do not fit its operator: a fact about the file when it came from one. */
export class InvalidNode extends Error {}

export function operator<A extends object>(definition: Definition<A>): Operator<A> {
  const self = Object.assign(
    (attrs: A, ...inputs: (Value | undefined)[]) => node(attrs, inputs).outputs[0],
    definition,
    { node },
  );
  return self;

  function node(attrs: A, inputs: readonly (Value | undefined)[], name = ""): Node<A> {
    return makeNode<A>(self, inputs, attrs, definition.infer(inputs, attrs), name);
  }
}

export const carry = (axis: number, cuts: readonly Cut[] = []): ChannelRule => ({
  kind: "carry",
  axis,
  outer: 1,
  inner: 1,
  cuts,
});

export const consume = (cuts: readonly Cut[]): ChannelRule => ({ kind: "consume", cuts });

export const join = (ports: readonly Port[]): ChannelRule => ({ kind: "join", ports });

export const refuse = (because: string): ChannelRule => ({ kind: "refuse", because });

/** The input, which the operator requires. */
export function need(inputs: readonly (Value | undefined)[], index: number, type: string): Value {
  const value = inputs[index];
  if (value === undefined) throw new InvalidNode(`${type}: input ${index} is missing`);
  return value;
}
