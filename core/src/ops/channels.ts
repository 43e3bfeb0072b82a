import type { Node } from "../ir/graph.ts";
import { isConstant } from "../ir/graph.ts";
import { type ChannelRule, type Cut, refuse } from "./operator.ts";

/** The rule if every parameter it cuts is a constant, else the reason why not. Absent inputs need no cut. */
export function cutting(
  node: Pick<Node, "inputs">,
  cuts: readonly Cut[],
  type: string,
  rule: (cuts: readonly Cut[]) => ChannelRule,
): ChannelRule {
  const present = cuts.filter((c) => node.inputs[c.input] !== undefined);
  if (present.some((c) => !isConstant(node.inputs[c.input])))
    return refuse(`${type} joins it with another computed value`);
  return rule(present);
}
