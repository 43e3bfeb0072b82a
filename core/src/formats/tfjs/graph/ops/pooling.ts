import { type Call, type Converter, Unsupported } from "../call.ts";
import { channelsFirst, identity, ordered, rankOf } from "../held.ts";
import { isChannelsLast, listed, padding } from "../windows.ts";

const pool =
  (type: string): Converter =>
  (call: Call) => {
    const last = isChannelsLast(call);
    const x = call.tensor(0);
    const rank = rankOf(x);
    const order = last ? channelsFirst(rank) : identity(rank);
    const data = last ? call.first(0) : call.reorder(x, order);
    const kernel = listed(call, "ksize", rank, last);
    const strides = listed(call, "strides", rank, last);
    const whole = kernel.every((k, i) => k === data.shape[i + 2]);
    const dilations = kernel.map(() => 1);
    const pads = padding(call, data.shape.slice(2), { kernel, strides, dilations }, last);
    if (type === "AveragePool" && whole && pads.every((p) => p === 0))
      return ordered(call.apply("GlobalAveragePool", {}, data), order);
    return ordered(call.apply(type, { kernel_shape: kernel, strides, pads }, data), order);
  };

const withoutPlaces: Converter = (call) => {
  if (call.read(1)) throw new Unsupported("where the maxima stand is not supported");
  return pool("MaxPool")(call);
};

export const pooling: Readonly<Record<string, Converter>> = {
  AvgPool: pool("AveragePool"),
  AvgPool3D: pool("AveragePool"),
  MaxPool: pool("MaxPool"),
  MaxPool3D: pool("MaxPool"),
  MaxPoolWithArgmax: withoutPlaces,
};
