import { constantOf, type Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";

/** A cut of a stored tensor that has the effect of a cut of a value computed from it. */
export interface StoredCut {
  readonly tensor: Value;
  readonly axis: number;
  readonly indices: readonly number[];
  /** Targets of Reshape on the way, with the axis whose length they name and the indices it loses. */
  readonly targets: readonly {
    readonly shape: Value;
    readonly axis: number;
    readonly fewer: number;
  }[];
}

/**
 * Exporters keep some weights behind a Reshape, Transpose or Identity of a stored tensor. Finds the cut
 * of that tensor; undefined where the value is not stored, or no axis of the tensor does it.
 */
export function storedCut(
  value: Value,
  axis: number,
  indices: readonly number[],
): StoredCut | undefined {
  if (constantOf(value) !== undefined) return { tensor: value, axis, indices, targets: [] };
  const { operator, inputs, attrs } = value.node;
  const [from, shape] = inputs;
  if (typeof operator === "string" || from === undefined) return undefined;
  switch (operator.type) {
    case "Identity":
      return storedCut(from, axis, indices);
    case "Transpose": {
      const rank = value.shape.length;
      const { perm } = attrs as { perm?: readonly number[] };
      return storedCut(from, perm?.[axis] ?? rank - 1 - axis, indices);
    }
    case "Reshape": {
      const before = throughReshape(known(from.shape), known(value.shape), axis, indices);
      const inner = before && storedCut(from, before.axis, before.indices);
      if (inner === undefined || shape === undefined) return undefined;
      const named = (constantOf(shape)?.data[axis] ?? 0) > 0;
      const target = { shape, axis, fewer: indices.length };
      return named ? { ...inner, targets: [...inner.targets, target] } : inner;
    }
    default:
      return undefined;
  }
}

/** The axis of `from` and its indices that hold exactly the elements at the indices of an axis of `to`. */
function throughReshape(
  from: readonly number[],
  to: readonly number[],
  axis: number,
  indices: readonly number[],
): { axis: number; indices: readonly number[] } | undefined {
  const inner = size(to.slice(axis + 1));
  const cut = new Set(indices);
  const isCut = (element: number) => cut.has(Math.floor(element / inner) % to[axis]);
  for (let k = 0; k < from.length; k++) {
    const after = size(from.slice(k + 1));
    const indexOf = (element: number) => Math.floor(element / after) % from[k];
    const found = new Set(indices.map((i) => indexOf(i * inner)));
    if (found.size * to[axis] !== cut.size * from[k]) continue;
    let same = true;
    for (let e = 0; e < size(from) && same; e++) same = isCut(e) === found.has(indexOf(e));
    if (same) return { axis: k, indices: [...found].sort((a, b) => a - b) };
  }
  return undefined;
}
