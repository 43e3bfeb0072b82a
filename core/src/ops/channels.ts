import type { Node } from "../ir/graph.ts";
import type { ChannelRule, Cut, Port } from "./operator.ts";

/** The rule with the cuts of those inputs that there are. */
export const cutting = (
  node: Pick<Node, "inputs">,
  cuts: readonly Cut[],
  rule: (cuts: readonly Cut[]) => ChannelRule,
): ChannelRule => rule(cuts.filter((c) => node.inputs[c.input] !== undefined));

/** Each index by itself. */
export const each = (index: number): number => index;

/** Blocks of neighbouring indices go as a whole. */
export const blocks =
  (length: number) =>
  (index: number): number =>
    Math.floor(index / length);

/** The same place in every block goes. */
export const places =
  (length: number) =>
  (index: number): number =>
    index % length;

/** The ports of inputs and outputs that there are. */
export const present = (
  { inputs, outputs }: Pick<Node, "inputs" | "outputs">,
  ports: readonly Port[],
): readonly Port[] =>
  ports.filter((p) => ("input" in p ? inputs[p.input] : outputs[p.output]) !== undefined);
