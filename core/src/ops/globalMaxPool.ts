import { constant, type Value } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { cast } from "./cast.ts";
import { needFloat, rankFrom } from "./check.ts";
import { equal } from "./equal.ts";
import { literal } from "./literal.ts";
import { mul } from "./mul.ts";
import { carry, need, type Operator, operator, refuse } from "./operator.ts";
import { reduceMax } from "./reduceMax.ts";
import { where } from "./where.ts";

/** The first maximum of each map wins, as in MaxPool. */
export const globalMaxPool: Operator<object> = operator<object>({
  type: "GlobalMaxPool",
  infer(inputs) {
    const x = need(inputs, 0, "GlobalMaxPool");
    needFloat(x, "GlobalMaxPool");
    rankFrom(x, 3, "GlobalMaxPool: X");
    return [{ dtype: x.dtype, shape: x.shape.map((d, i) => (i < 2 ? d : 1)) }];
  },
  evaluate([x], _attrs, [{ dtype, shape }]) {
    const area = size(x!.shape.slice(2));
    const data = Float64Array.from({ length: size(shape) }, (_, i) => {
      let max = -Infinity;
      for (let k = 0; k < area; k++) max = Math.max(max, x!.data[i * area + k]);
      return max;
    });
    return [{ dtype, shape, data }];
  },
  gradient: ([ct], { inputs: [x], outputs: [y] }) => [mul({}, firstMaxima(x!, y), ct)],
  channels: (_node, _input, axis) =>
    axis < 2 ? carry(axis) : refuse("GlobalMaxPool takes the largest along the axis"),
  examples: [
    { inputs: [[2, 3, 2, 2]], attrs: {} },
    { inputs: [[1, 2, 5]], attrs: {} },
  ],
});

/** 1 at the first maximum of each map: elements that equal it are ranked, first highest. */
function firstMaxima(x: Value, y: Value): Value {
  const spatial = known(x.shape).slice(2);
  const area = size(spatial);
  const ranks = Float64Array.from({ length: area }, (_, i) => area - i);
  const data = x.dtype === "float32" ? Float32Array.from(ranks) : ranks;
  const rank = constant({ dtype: x.dtype, shape: spatial, data });
  const found = where({}, equal({}, x, y), rank, literal(x, 0));
  const first = reduceMax({ axes: spatial.map((_, d) => d + 2) }, found);
  return cast({ to: x.dtype }, equal({}, found, first));
}
