import type { Value } from "../../../ir/graph.ts";
import { known } from "../../../ir/tensor.ts";
import { isHeld, plain } from "../held.ts";
import { type Layer, type Lower, Unsupported } from "../layer.ts";

/** Query, value and key of a call: lists, arguments or by name. */
function operandsOf(layer: Layer): { query: Value; value: Value; key: Value } {
  const given = [...layer.inputs, ...layer.args.filter(isHeld)];
  const named = (key: string) => (isHeld(layer.kwargs[key]) ? layer.kwargs[key] : undefined);
  const query = given[0] ?? named("query");
  const value = given[1] ?? named("value") ?? query;
  const key = given[2] ?? named("key") ?? value;
  if (query === undefined || value === undefined || key === undefined)
    throw new Unsupported("called with no query");
  return { query: layer.plain(query), value: layer.plain(value), key: layer.plain(key) };
}

function unmaskedCall(layer: Layer): void {
  layer.unmasked();
  for (const key of ["attention_mask", "query_mask", "value_mask", "key_mask", "mask"])
    if (layer.kwargs[key] !== undefined && layer.kwargs[key] !== null)
      throw new Unsupported(`called with ${key}`);
  if (layer.kwargs.return_attention_scores === true)
    throw new Unsupported("return_attention_scores");
}

/** Later steps are hidden: −10⁹ is added to their scores, as Keras does. */
function causal(layer: Layer, scores: Value): Value {
  if (layer.kwargs.use_causal_mask !== true) return scores;
  const [rows, columns] = scores.shape.slice(-2);
  if (typeof rows !== "number" || typeof columns !== "number")
    throw new Unsupported("a causal mask for sequences of no fixed length");
  const mask = Array.from({ length: rows * columns }, (_, i) =>
    i % columns > Math.floor(i / columns) ? -1e9 : 0,
  );
  return layer.op("Add", {}, scores, layer.floats(mask, [rows, columns]));
}

/** Vaswani et al. 2017, as keras.layers.MultiHeadAttention has it. */
const multiHeadAttention: Lower = (layer) => {
  unmaskedCall(layer);
  if (layer.flag("use_gate", false) || layer.config.sliding_window)
    throw new Unsupported("with gates or a sliding window");
  const { query, value, key } = operandsOf(layer);
  for (const x of [query, value, key]) layer.rank(plain(x), [3]);
  const parts = layer.flag("use_bias", true) ? ["kernel", "bias"] : ["kernel"];
  const dense = ["query_dense", "key_dense", "value_dense", "output_dense"];
  const variables = layer.variables(dense.flatMap((d) => parts.map((p) => `${d}/${p}`)));
  const of = (i: number) => variables.slice(i * parts.length, (i + 1) * parts.length);
  const [q, k] = [heads(layer, query, of(0)), heads(layer, key, of(1))];
  const v = heads(layer, value, of(2));
  const depth = Number(known(of(0)[0].shape)[2]);
  const scaled = layer.op("Mul", {}, layer.transpose(q, [0, 2, 1, 3]), layer.number(depth ** -0.5));
  const scores = causal(layer, layer.op("MatMul", {}, scaled, layer.transpose(k, [0, 2, 3, 1])));
  const weights = layer.op("Softmax", { axis: -1 }, scores);
  const mixed = layer.op("MatMul", {}, weights, layer.transpose(v, [0, 2, 1, 3]));
  const [kernel, bias] = of(3);
  const [count, size, ...out] = known(kernel.shape);
  if (out.length !== 1) throw new Unsupported("an output_shape of several axes");
  const joined = layer.reshape(layer.transpose(mixed, [0, 2, 1, 3]), [0, 0, count * size]);
  const y = layer.op("MatMul", {}, joined, layer.reshape(kernel, [count * size, ...out]));
  return plain(bias === undefined ? y : layer.op("Add", {}, y, bias));
};

/** [N, T, in] to [N, T, heads, size]. */
function heads(layer: Layer, x: Value, [kernel, bias]: readonly Value[]): Value {
  const [width, count, size] = known(kernel.shape);
  const y = layer.op("MatMul", {}, x, layer.reshape(kernel, [width, count * size]));
  const sum = bias === undefined ? y : layer.op("Add", {}, y, layer.reshape(bias, [count * size]));
  return layer.reshape(sum, [0, 0, count, size]);
}

/** Luong et al. 2015: scores are products; scaled by a variable where it says so. */
const attention: Lower = (layer) => {
  unmaskedCall(layer);
  if (layer.text("score_mode", "dot") !== "dot") throw new Unsupported("its score_mode");
  const { query, value, key } = operandsOf(layer);
  const products = layer.op("MatMul", {}, query, layer.transpose(key, [0, 2, 1]));
  const scores = layer.flag("use_scale", false)
    ? layer.op("Mul", {}, products, layer.variables(["scale"])[0])
    : products;
  return plain(
    layer.op("MatMul", {}, layer.op("Softmax", { axis: -1 }, causal(layer, scores)), value),
  );
};

export const attentionLayers: Readonly<Record<string, Lower>> = {
  MultiHeadAttention: multiHeadAttention,
  Attention: attention,
};
