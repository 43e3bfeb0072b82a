import { isRecord, type JsonRecord, list, record, text } from "./json.ts";

/** One call of a layer. */
export interface Inbound {
  /** Everything the layer is called with, in order: references stand where tensors go. */
  readonly args: readonly unknown[];
  readonly kwargs: JsonRecord;
}

/** An output of another layer's call: Keras's "keras_history". */
export class Ref {
  readonly layer: string;
  readonly node: number;
  readonly tensor: number;
  constructor(layer: string, node: number, tensor: number) {
    this.layer = layer;
    this.node = node;
    this.tensor = tensor;
  }
}

const isHistory = (v: unknown): v is readonly [string, number, number] =>
  Array.isArray(v) &&
  v.length >= 3 &&
  typeof v[0] === "string" &&
  Number.isInteger(v[1]) &&
  Number.isInteger(v[2]);

/** Keras 2 writes a number that leads a call as ["_CONSTANT_VALUE", -1, 2.5]. */
const isNumber = (v: unknown): v is readonly ["_CONSTANT_VALUE", number, unknown] =>
  Array.isArray(v) && v[0] === "_CONSTANT_VALUE";

/** Replaces `__keras_tensor__` (Keras 3) and [layer, node, tensor] (Keras 2) by references, in depth. */
export function withRefs(value: unknown, depth = 0): unknown {
  if (depth > 16) return undefined;
  if (isNumber(value)) return value[2];
  if (isHistory(value)) return new Ref(value[0], value[1], value[2]);
  if (Array.isArray(value)) return value.map((v) => withRefs(v, depth + 1));
  if (!isRecord(value)) return value;
  if (value.class_name === "__keras_tensor__") {
    const history = record(value.config).keras_history;
    return isHistory(history) ? new Ref(history[0], history[1], history[2]) : undefined;
  }
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, withRefs(v, depth + 1)]));
}

/** The calls of a layer, in either form. */
export function inboundOf(layer: JsonRecord): readonly Inbound[] {
  return list(layer.inbound_nodes).map((node): Inbound => {
    if (isRecord(node))
      return {
        args: list(withRefs(node.args)),
        kwargs: record(withRefs(record(node.kwargs))),
      };
    // Keras 2: a list of [layer, node, tensor, keyword arguments], or one alone.
    const entries = isHistory(node) || isNumber(node) ? [node] : list(node);
    const tensors = entries.map((entry) => withRefs(entry));
    const last = entries.map((entry) => list(entry)[3]).findLast(isRecord);
    return {
      args: [tensors.length === 1 ? tensors[0] : tensors],
      kwargs: record(withRefs(record(last))),
    };
  });
}

/** All references in an argument, in order. */
export function refsIn(value: unknown): readonly Ref[] {
  if (value instanceof Ref) return [value];
  if (Array.isArray(value)) return value.flatMap(refsIn);
  return isRecord(value) ? Object.values(value).flatMap(refsIn) : [];
}

/** The ends of a model: one reference, a list, or a dictionary of them. */
export const endsOf = (value: unknown): readonly Ref[] => refsIn(withRefs(value));

/** The name that other layers know a layer by. */
export const nameOf = (layer: JsonRecord): string =>
  text(layer.name) || text(record(layer.config).name);
