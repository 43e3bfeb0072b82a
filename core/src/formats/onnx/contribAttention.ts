import { constant, type Value } from "../../ir/graph.ts";
import { type Dim, int64, isFloat, tensor } from "../../ir/tensor.ts";
import { codeOfDType } from "../../ops/cast.ts";
import { literal } from "../../ops/literal.ts";
import { InvalidNode, need } from "../../ops/operator.ts";
import type { Call } from "./upgrade.ts";

/** What scores of keys that must not be seen become: the lowest float32. */
const LOWEST = -3.4028234663852886e38;
/** What is added to scores of keys that are masked, unless `mask_filter_value` says otherwise. */
const FILTER = -10000;

interface Projected {
  /** [N, queries, hidden], [N, keys, hidden], [N, keys, hidden of v] */
  readonly q: Value;
  readonly k: Value;
  readonly v: Value;
}

/** Inputs: input [N, T, D], weights [D, 3·hidden], bias, mask_index, past, attention_bias. */
export function attention(call: Call): readonly Value[] {
  const { type, apply, attrs, inputs } = call;
  const [x, weights] = [need(inputs, 0, type), need(inputs, 1, type)];
  const [, , bias, mask, past, added] = inputs;
  if (past !== undefined || attrs.do_rotary === 1)
    throw new InvalidNode(`${type}: past keys and rotary embeddings are not supported`);
  const width = number(weights.shape[1], `${type}: the number of columns of the weights`);
  const given = attrs.qkv_hidden_sizes;
  const sizes = Array.isArray(given) ? given.map(Number) : [width / 3, width / 3, width / 3];
  const [product] = apply("MatMul", {}, x, weights);
  const [sum] = bias === undefined ? [product] : apply("Add", {}, product, bias);
  const [q, k, v] = apply("Split", { axis: -1 }, sum, ints(sizes));
  return attended(call, { q, k, v }, { mask, added });
}

/**
 * Inputs: query [N, T, H], key [N, L, H], value [N, L, V], bias [2·H + V], key_padding_mask,
 * attention_bias; without past keys.
 */
export function multiHeadAttention(call: Call): readonly Value[] {
  const { type, apply, inputs } = call;
  const [query, key, value, bias, mask, added, ...past] = inputs;
  if (query?.shape.length !== 3 || key?.shape.length !== 3 || value?.shape.length !== 3)
    throw new InvalidNode(`${type}: only queries, keys and values of rank 3 are supported`);
  if (past.some((v) => v !== undefined))
    throw new InvalidNode(`${type}: past keys are not supported`);
  if (bias === undefined) return attended(call, { q: query, k: key, v: value }, { mask, added });
  const sizes = [query, key, value].map((v) => number(v.shape[2], `${type}: hidden size`));
  const [bq, bk, bv] = apply("Split", { axis: 0 }, bias, ints(sizes));
  const [q, k, v] = [
    apply("Add", {}, query, bq),
    apply("Add", {}, key, bk),
    apply("Add", {}, value, bv),
  ];
  return attended(call, { q: q[0], k: k[0], v: v[0] }, { mask, added });
}

/** softmax(q·kᵀ·scale + masks)·v for every head, the heads joined again. */
function attended(
  { type, apply, attrs }: Call,
  { q, k, v }: Projected,
  { mask, added }: { readonly mask: Value | undefined; readonly added: Value | undefined },
): readonly Value[] {
  const heads = number(attrs.num_heads as Dim | undefined, `${type}: num_heads`);
  const perHead = (x: Value, perm: readonly number[]): Value => {
    const size = number(x.shape[2], `${type}: hidden size`) / heads;
    const [split] = apply("Reshape", {}, x, ints([0, 0, heads, size]));
    return apply("Transpose", { perm }, split)[0];
  };
  const size = number(q.shape[2], `${type}: hidden size`) / heads;
  const scale = Number(attrs.scale ?? 0) === 0 ? 1 / Math.sqrt(size) : Number(attrs.scale);
  const [product] = apply("MatMul", {}, perHead(q, [0, 2, 1, 3]), perHead(k, [0, 2, 3, 1]));
  let [scores] = apply("Mul", {}, product, literal(product, scale));
  if (added !== undefined) [scores] = apply("Add", {}, scores, added);
  if (attrs.unidirectional === 1)
    [scores] = apply("Where", {}, causal(type, scores), scores, literal(scores, LOWEST));
  if (mask !== undefined) {
    const filter = Number(attrs.mask_filter_value ?? FILTER);
    [scores] = apply("Add", {}, scores, filtered(type, apply, mask, scores, filter));
  }
  const [weights] = apply("Softmax", { axis: -1 }, scores);
  const [each] = apply("MatMul", {}, weights, perHead(v, [0, 2, 1, 3]));
  const [together] = apply("Transpose", { perm: [0, 2, 1, 3] }, each);
  return apply("Reshape", {}, together, ints([0, 0, number(v.shape[2], `${type}: hidden size`)]));
}

/** 0 where a key may be seen, else `filter`; [N, 1, 1 or T, L]. */
function filtered(
  type: string,
  apply: Call["apply"],
  mask: Value,
  scores: Value,
  filter: number,
): Value {
  if (isFloat(mask.dtype)) throw new InvalidNode(`${type}: the mask is ${mask.dtype}`);
  const [batch, , , keys] = scores.shape;
  const float = (value: Value) => apply("Cast", { to: codeOfDType("float32") }, value)[0];
  let seen: Value;
  if (mask.shape.length === 1) {
    if (mask.shape[0] !== batch)
      throw new InvalidNode(`${type}: a mask of [${mask.shape.join(", ")}] is not supported`);
    const count = number(keys, `${type}: the number of keys`);
    const places = constant(
      int64(
        [count],
        Array.from({ length: count }, (_, i) => i),
      ),
    );
    const [lengths] = apply("Unsqueeze", {}, float(mask), ints([1]));
    [seen] = apply("Less", {}, float(places), lengths);
  } else [seen] = apply("Cast", { to: codeOfDType("bool") }, mask);
  const axes = { 1: [1, 2], 2: [1, 2], 3: [1] }[mask.shape.length];
  if (axes === undefined)
    throw new InvalidNode(`${type}: a mask of [${mask.shape.join(", ")}] is not supported`);
  const [lifted] = apply("Unsqueeze", {}, seen, ints(axes));
  return apply("Where", {}, lifted, literal(scores, 0), literal(scores, filter))[0];
}

/** True where a key is at or before the query; the last of both stand together. */
function causal(type: string, { shape }: Value): Value {
  const [queries, keys] = shape.slice(-2).map((d) => number(d, `${type}: the number of tokens`));
  const seen = Uint8Array.from({ length: queries * keys }, (_, i) =>
    (i % keys) - (keys - queries) <= Math.floor(i / keys) ? 1 : 0,
  );
  return constant(tensor("bool", [queries, keys], seen));
}

function number(value: Dim | undefined, what: string): number {
  if (typeof value !== "number") throw new InvalidNode(`${what} is not known`);
  return value;
}

const ints = (values: readonly number[]): Value => constant(int64([values.length], values));
