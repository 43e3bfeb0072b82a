import type { TensorDiff } from "#protocol/views/diff.ts";
import { constantOf, nodesOf, type Value } from "../ir/graph.ts";
import { sameShape, showType, type Tensor } from "../ir/tensor.ts";
import { isSetting } from "./operators.ts";
import type { Side } from "./side.ts";

/** Stored tensors that no layer's units have told of, by their names in the files. */
export function tensorDiffs(a: Side, b: Side): readonly TensorDiff[] {
  const [x, y] = [tensorsOf(a), tensorsOf(b)];
  return [
    ...[...x].flatMap(([tensor, before]): TensorDiff[] => {
      const after = y.get(tensor);
      if (after === undefined) return [{ kind: "removed", tensor, type: showType(before) }];
      return [...changed(tensor, before, after)];
    }),
    ...[...y].flatMap(([tensor, after]): TensorDiff[] =>
      x.has(tensor) ? [] : [{ kind: "added", tensor, type: showType(after) }],
    ),
  ];
}

/** Stored tensors outside of layers, by name. */
export function tensorsOf({ graph, layers }: Side): ReadonlyMap<string, Tensor> {
  const told = new Set<Value>(layers.flatMap(({ stored }) => [...stored]));
  const ofLayers = new Set([...told].map(({ node }) => node.name));
  return new Map(
    nodesOf(graph).flatMap((node) => {
      const tensor = constantOf(node.outputs[0]);
      if (tensor === undefined || ofLayers.has(node.name)) return [];
      // Settings are told with the operators that read them, where there are any.
      return graph.inputs.length === 0 || !isSetting(node) ? [[node.name, tensor] as const] : [];
    }),
  );
}

function changed(tensor: string, a: Tensor, b: Tensor): readonly TensorDiff[] {
  const type = { before: showType(a), after: showType(b) };
  if (!sameShape(a.shape, b.shape)) return [{ kind: "changed", tensor, type }];
  let [delta, before, after] = [0, 0, 0];
  for (let i = 0; i < a.data.length; i++) {
    delta += (a.data[i] - b.data[i]) ** 2;
    before += a.data[i] ** 2;
    after += b.data[i] ** 2;
  }
  const same = delta <= SAME * SAME * Math.max(before, after) && a.dtype === b.dtype;
  if (same) return [];
  return [{ kind: "changed", tensor, type, change: before > 0 ? Math.sqrt(delta / before) : 1 }];
}

/** As of units. */
const SAME = 1e-6;
