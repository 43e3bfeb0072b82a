import type { Value } from "../ir/graph.ts";
import { add } from "../ops/add.ts";
import { div } from "../ops/div.ts";
import { literal } from "../ops/literal.ts";
import { mul } from "../ops/mul.ts";
import { sqrt } from "../ops/sqrt.ts";
import { sub } from "../ops/sub.ts";

/** How a parameter follows its gradient, as graph nodes; conventions are PyTorch's. */
export interface Optimiser {
  readonly name: OptimiserName;
  /** Rate for people who name none. */
  readonly rate: number;
  /** Tensors of the parameter's shape that are kept from step to step; they start as 0. */
  readonly slots: number;
  /** The numbers of one step (counted from 1), computed in float64: inputs of the step graph. */
  coefficients(rate: number, step: number): readonly number[];
  /** The new parameter and slots; coefficients are scalars. */
  update(
    parameter: Value,
    gradient: Value,
    slots: readonly Value[],
    coefficients: readonly Value[],
  ): { readonly parameter: Value; readonly slots: readonly Value[] };
}

export const OPTIMISERS = ["sgd", "momentum", "adam"] as const;
export type OptimiserName = (typeof OPTIMISERS)[number];

const MOMENTUM = 0.9;
const [BETA1, BETA2, EPSILON] = [0.9, 0.999, 1e-8];

/** p ← p − η·g */
const sgd: Optimiser = {
  name: "sgd",
  rate: 0.01,
  slots: 0,
  coefficients: (rate) => [rate],
  update: (p, g, _slots, [rate]) => ({ parameter: sub({}, p, mul({}, rate, g)), slots: [] }),
};

/** b ← 0.9·b + g, p ← p − η·b */
const momentum: Optimiser = {
  name: "momentum",
  rate: 0.01,
  slots: 1,
  coefficients: (rate) => [rate],
  update(p, g, [before], [rate]) {
    const buffer = add({}, scaled(before, MOMENTUM), g);
    return { parameter: sub({}, p, mul({}, rate, buffer)), slots: [buffer] };
  },
};

/** Kingma & Ba: Adam (2015), with bias correction; ε = 1e-8 is added to √v̂. */
const adam: Optimiser = {
  name: "adam",
  rate: 0.001,
  slots: 2,
  coefficients: (rate, step) => [rate / (1 - BETA1 ** step), 1 / Math.sqrt(1 - BETA2 ** step)],
  update(p, g, [m, v], [rate, correction]) {
    const first = add({}, scaled(m, BETA1), scaled(g, 1 - BETA1));
    const second = add({}, scaled(v, BETA2), scaled(mul({}, g, g), 1 - BETA2));
    const root = add({}, mul({}, sqrt({}, second), correction), literal(p, EPSILON));
    return {
      parameter: sub({}, p, mul({}, rate, div({}, first, root))),
      slots: [first, second],
    };
  },
};

const scaled = (v: Value, factor: number): Value => mul({}, v, literal(v, factor));

export const optimisers: Readonly<Record<OptimiserName, Optimiser>> = { sgd, momentum, adam };

/** The gradient with weight decay λ·p added to it, as in PyTorch's SGD and Adam (not AdamW). */
export const decayed = (gradient: Value, parameter: Value, decay: number): Value =>
  decay === 0 ? gradient : add({}, gradient, scaled(parameter, decay));
