import type { Held } from "./held.ts";
import { type Inbound, Ref, refsIn } from "./inbound.ts";
import { isRecord, type JsonRecord } from "./json.ts";

/** A call with its tensors in place. */
export interface Called {
  /** Tensors of the first argument; undefined: what computes it could not be read. */
  readonly inputs: readonly (Held | undefined)[];
  readonly args: readonly unknown[];
  readonly kwargs: JsonRecord;
  /** Some tensor could not be read. */
  readonly lost: boolean;
}

export function callOf(
  { args, kwargs }: Inbound,
  values: ReadonlyMap<string, readonly (Held | undefined)[]>,
): Called {
  const heldOf = ({ layer, node, tensor }: Ref) => values.get(`${layer}/${node}`)?.[tensor];
  const placed = (value: unknown): unknown => {
    if (value instanceof Ref) return heldOf(value);
    if (Array.isArray(value)) return value.map(placed);
    if (!isRecord(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, placed(v)]));
  };
  const own = refsIn(args[0]);
  // A number that leads stays in its place.
  const others = own.length === 0 ? args : args.slice(1);
  const all = [...refsIn([...args]), ...refsIn(kwargs)];
  return {
    inputs: own.map(heldOf),
    args: others.map(placed),
    kwargs: Object.fromEntries(Object.entries(kwargs).map(([k, v]) => [k, placed(v)])),
    lost: all.some((ref) => heldOf(ref) === undefined),
  };
}
