import type { Tensor } from "../../ir/tensor.ts";
import { median } from "../../median.ts";

/** The tensors of a BatchNormalization of the twin; scale and shift may be absent. */
export interface Normalisation {
  readonly module: string;
  readonly length: number;
  readonly weight?: Tensor;
  readonly bias?: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** An affine layer as the model has it and as the twin has it. */
export interface FoldedLayer {
  /** Scale of the model's weights against the twin's, per unit; undefined: they are no multiple. */
  readonly scale: readonly number[] | undefined;
  /** Of the model; absent: 0. */
  readonly bias?: Tensor;
  /** Of the twin; absent: 0. */
  readonly own?: Tensor;
}

const TOLERANCE = 2e-3;
/** Largest ε of a normalisation. */
const MOST_EPSILON = 0.1;

/**
 * Per unit, by what the model's weights are multiples of the twin's (an exporter folds
 * BatchNormalization into the convolution before it: w' = w·γ/√(σ²+ε)); undefined when they are none.
 * @param axis of the units, in both
 */
export function scaleOf(model: Tensor, twin: Tensor, axis: number): readonly number[] | undefined {
  const units = model.shape[axis];
  const inner = model.shape.slice(axis + 1).reduce((a, b) => a * b, 1);
  const [xx, xy, yy] = [0, 1, 2].map(() => new Float64Array(units));
  for (let i = 0; i < twin.data.length; i++) {
    const u = Math.floor(i / inner) % units;
    const [x, y] = [twin.data[i], model.data[i]];
    xx[u] += x * x;
    xy[u] += x * y;
    yy[u] += y * y;
  }
  const scale = Array.from(xx, (square, u) => (square === 0 ? 0 : xy[u] / square));
  const fits = scale.every((s, u) => yy[u] - s * xy[u] <= TOLERANCE ** 2 * yy[u]);
  return fits ? scale : undefined;
}

/** Whether the normalisation is what was folded into the layer: w' = s·w, b' = β + (b − μ)·s, s = γ/√(σ²+ε). */
export function isFolded(layer: FoldedLayer, norm: Normalisation): boolean {
  const { scale, bias, own } = layer;
  if (scale === undefined || scale.length !== norm.length) return false;
  const gamma = (u: number) => norm.weight?.data[u] ?? 1;
  const beta = (u: number) => norm.bias?.data[u] ?? 0;
  const epsilons = scale.flatMap((s, u) =>
    s === 0 ? [] : [(gamma(u) / s) ** 2 - norm.variance.data[u]],
  );
  if (epsilons.length === 0) return false;
  const epsilon = Math.min(MOST_EPSILON, Math.max(0, median(epsilons)));
  return scale.every((s, u) => {
    const expected = gamma(u) / Math.sqrt(norm.variance.data[u] + epsilon);
    const moved = ((own?.data[u] ?? 0) - norm.mean.data[u]) * s;
    const shift = beta(u) + moved;
    const size = Math.abs(beta(u)) + Math.abs(moved) + Math.abs(bias?.data[u] ?? 0);
    return (
      (s === 0 || Math.abs(s - expected) <= TOLERANCE * Math.abs(expected)) &&
      Math.abs((bias?.data[u] ?? 0) - shift) <= TOLERANCE * size
    );
  });
}

/** By what people call them: conv1 and bn1, conv and norm, 0 and 1 of a Sequential. */
export function goTogether(layer: string, normalisation: string): boolean {
  const [scope, last] = parted(layer);
  const [other, own] = parted(normalisation);
  if (scope !== other) return false;
  if (/^\d+$/.test(last) && /^\d+$/.test(own)) return Number(own) === Number(last) + 1;
  const number = /^(?:conv|fc|linear)(.*)$/i.exec(last)?.[1];
  const counted = /^(?:bn|norm|batch_?norm)(.*)$/i.exec(own)?.[1];
  return number !== undefined && number === counted;
}

const parted = (name: string): readonly [scope: string, last: string] => {
  const dot = name.lastIndexOf(".");
  return [name.slice(0, Math.max(0, dot)), name.slice(dot + 1)];
};
