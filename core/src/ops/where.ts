import type { Node } from "../ir/graph.ts";
import { tensor } from "../ir/tensor.ts";
import { broadcast, broadcastOffsets, broadcastRule, unbroadcast } from "./broadcast.ts";
import { needDType, sameDType } from "./check.ts";
import { literal } from "./literal.ts";
import { need, type Operator, operator } from "./operator.ts";

const mask = tensor("bool", [2, 1], Uint8Array.of(1, 0));

/** Inputs: condition, then, else. */
export const where: Operator<object> = operator<object>({
  type: "Where",
  infer(inputs) {
    const [c, a, b] = [0, 1, 2].map((i) => need(inputs, i, "Where"));
    needDType(c, "bool", "Where: condition");
    sameDType(a, b, "Where");
    const shape = broadcast(c.shape, broadcast(a.shape, b.shape, "Where"), "Where");
    return [{ dtype: a.dtype, shape }];
  },
  evaluate([c, a, b], _attrs, [{ dtype, shape }]) {
    const [oc, oa, ob] = [c!, a!, b!].map((t) => broadcastOffsets(t.shape, shape));
    const data = Float64Array.from(oc, (at, i) => (c!.data[at] ? a!.data[oa[i]] : b!.data[ob[i]]));
    return [{ dtype, shape, data }];
  },
  gradient([ct], { inputs: [c, a, b] }) {
    const zero = literal(ct!, 0);
    return [
      undefined,
      unbroadcast(where({}, c, ct, zero), a!),
      unbroadcast(where({}, c, zero, ct), b!),
    ];
  },
  channels: (node, input, axis) => broadcastRule(node as unknown as Node, input, axis),
  examples: [
    { inputs: [mask, [2, 3], [2, 3]], attrs: {}, constants: [0] },
    { inputs: [mask, [3], [2, 1]], attrs: {}, constants: [0, 2], note: "broadcasts" },
  ],
});
