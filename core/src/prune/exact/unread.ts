import { type Node, topological, type Value } from "../../ir/graph.ts";
import type { Structure } from "../coupling/structure.ts";
import { type Affine, kernelAt } from "./affine.ts";
import { ELEMENTWISE } from "./elementwise.ts";
import type { Signals } from "./signals.ts";

/** For each value with known lanes: the indices that only weights of 0 read, however far behind. */
export function unreadIndices(
  structure: Structure,
  signals: Signals,
): ReadonlyMap<Value, Uint8Array> {
  const unread = new Map<Value, Uint8Array>();
  const order = [...topological(structure.graph.outputs)].reverse();
  const ofValue = (value: Value): Uint8Array | undefined => {
    const lanes = signals.of(value);
    const readers = structure.uses.get(value) ?? [];
    if (lanes === undefined || structure.outputs.has(value)) return undefined;
    const result = new Uint8Array(lanes.same.length).fill(1);
    for (const node of readers)
      node.inputs.forEach((v, input) => {
        if (v !== value) return;
        const here = byReader(node, input, lanes.axis);
        for (let i = 0; i < result.length; i++) result[i] &= here?.(i) ?? 0;
      });
    return result;
  };
  /** For an index of one input whether nothing behind the node reads it. */
  const byReader = (
    node: Node,
    input: number,
    axis: number,
  ): ((index: number) => number) | undefined => {
    const [y] = node.outputs;
    const sum = signals.sum(node);
    if (sum !== undefined) {
      if (sum.group !== 1 || input !== 0 || axis !== sum.xAxis) return undefined;
      const columns = unreadColumns(sum);
      return (i) => columns[i];
    }
    const behind = node.outputs.map((v) => [signals.of(v), unread.get(v)] as const);
    const isPlain = behind.slice(1).every(([lanes]) => lanes === undefined);
    const { operator } = node;
    if (typeof operator !== "string" && isPlain && isByIndex(operator.type)) {
      const [lanes, flags] = behind[0];
      const back = node.inputs[input]!.shape.length - axis;
      const same = lanes !== undefined && y.shape.length - lanes.axis === back;
      return same && flags?.length === Number(node.inputs[input]!.shape[axis])
        ? (i) => flags[i]
        : undefined;
    }
    const parts = node.outputs.map((v) => ({ moved: signals.moved(v), flags: unread.get(v), v }));
    const used = parts.filter(({ v }) => structure.uses.has(v) || structure.outputs.has(v));
    if (used.length === 0 || used.some((p) => p.moved === undefined || p.flags === undefined))
      return undefined;
    const length = Number(node.inputs[input]!.shape[axis]);
    const all = new Uint8Array(length).fill(1);
    for (const { moved, flags } of used)
      moved!.index.forEach((i, p) => {
        if (moved!.input[p] === input) all[i] &= flags![p];
      });
    return (i) => all[i];
  };
  for (const node of order)
    for (const value of node.outputs) {
      const flags = ofValue(value);
      if (flags !== undefined) unread.set(value, flags);
    }
  return unread;
}

const isByIndex = (type: string): boolean => ELEMENTWISE.has(type) || type === "BatchNormalization";

function unreadColumns(affine: Affine): Uint8Array {
  const { depth, units, kernel, weights } = affine;
  const result = new Uint8Array(depth).fill(1);
  for (let c = 0; c < depth; c++)
    for (let m = 0; m < units && result[c] === 1; m++) {
      const start = kernelAt(affine, m, c);
      for (let k = 0; k < kernel.length; k++)
        if (weights.data[start + kernel[k]] !== 0) {
          result[c] = 0;
          break;
        }
    }
  return result;
}
