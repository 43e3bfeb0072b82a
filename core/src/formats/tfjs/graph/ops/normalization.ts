import { type Converter, Unsupported } from "../call.ts";
import { channelsFirst, identity, ordered, rankOf } from "../held.ts";
import { isChannelsLast } from "../windows.ts";

/** x, scale, offset, mean, variance. */
const fusedBatchNorm: Converter = (call) => {
  if (call.attributes.bool("is_training"))
    throw new Unsupported("it is in training mode: freeze the graph for inference");
  const rank = rankOf(call.tensor(0));
  const last = isChannelsLast(call);
  const order = last ? channelsFirst(rank) : identity(rank);
  const x = last ? call.first(0) : call.plain(0);
  const parameters = [1, 2, 3, 4].map((i) => call.plain(i));
  const epsilon = call.attributes.float("epsilon", 1e-4);
  return ordered(call.apply("BatchNormalization", { epsilon }, x, ...parameters), order);
};

/** x / (bias + alpha·Σ x²)^beta over the channels within depth_radius; ONNX divides alpha by their number. */
const localResponse: Converter = (call) => {
  const size = 2 * call.attributes.int("depth_radius", 5) + 1;
  const attrs = {
    size,
    alpha: call.attributes.float("alpha", 1) * size,
    beta: call.attributes.float("beta", 0.5),
    bias: call.attributes.float("bias", 1),
  };
  return ordered(call.apply("LRN", attrs, call.first(0)), channelsFirst(4));
};

export const normalization: Readonly<Record<string, Converter>> = {
  FusedBatchNorm: fusedBatchNorm,
  FusedBatchNormV2: fusedBatchNorm,
  FusedBatchNormV3: fusedBatchNorm,
  LRN: localResponse,
};
