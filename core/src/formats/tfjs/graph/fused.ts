import type { Value } from "../../../ir/graph.ts";
import { literal } from "../../../ops/literal.ts";
import { InvalidNode } from "../../../ops/operator.ts";
import { inOrder } from "./align.ts";
import { type Call, Unsupported } from "./call.ts";
import { type Held, plain } from "./held.ts";

/** The activation that TensorFlow has put into a node; `extra` is the slope of Prelu. */
export function activated(
  call: Call,
  held: Held,
  fused: readonly string[],
  extra: Value | undefined,
): Held {
  const rest = fused[0] === "BiasAdd" ? fused.slice(1) : fused;
  const value = rest.reduce((x, op) => activation(call, x, op, extra, held.order), held.value);
  return { ...held, value };
}

function activation(
  call: Call,
  x: Value,
  op: string,
  extra: Value | undefined,
  order: readonly number[],
): Value {
  switch (op) {
    case "Relu":
    case "Sigmoid":
    case "Tanh":
      return call.apply(op, {}, x);
    case "Relu6":
      return call.apply("Clip", {}, x, literal(x, 0), literal(x, 6));
    case "Elu":
      return call.apply("Elu", { alpha: 1 }, x);
    case "LeakyRelu": {
      const alpha = call.attributes.float("leakyrelu_alpha", 0.2);
      return call.apply("LeakyRelu", { alpha }, x);
    }
    case "Prelu": {
      if (extra === undefined) throw new InvalidNode("the slope of Prelu is missing");
      return call.apply("PRelu", {}, x, inOrder(call, plain(extra), order));
    }
    case "GeluExact":
      return call.apply("Gelu", {}, x);
    case "GeluApproximate":
      return call.apply("Gelu", { approximate: "tanh" }, x);
    default:
      throw new Unsupported(`fused ${op} is not supported`);
  }
}
