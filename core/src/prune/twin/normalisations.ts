import { defined } from "../../defined.ts";
import { type Layer, typeOf } from "../../explain/layers.ts";
import { loadTensor } from "../../formats/weights.ts";
import type { Tensor } from "../../ir/tensor.ts";
import type { Structure } from "../coupling/structure.ts";
import { goTogether, isFolded, type Normalisation, scaleOf } from "./folded.ts";
import { type Match, tensorOf } from "./match.ts";
import { parametersOf, storedOrder } from "./names.ts";

/** A normalisation of the twin that an exporter folded into a layer of the model. */
export interface FoldedInto {
  /** Its tensors in the twin. */
  readonly tensors: readonly string[];
  /** The layer's weights and, where there is one, bias, as the model stores them. */
  readonly weights: string;
  readonly bias: string | undefined;
  /** Axis of the layer's units in its stored weights. */
  readonly unitAxis: number;
}

const PARTS = ["weight", "bias", "running_mean", "running_var"];

/** BatchNormalizations among tensors: modules with running statistics. */
export function normalisationsIn(
  tensors: ReadonlyMap<string, Tensor>,
  left: readonly string[],
): readonly Normalisation[] {
  const free = new Set(left);
  return left.flatMap((name): Normalisation[] => {
    const module = /^(.*)\.running_mean$/.exec(name)?.[1];
    if (module === undefined) return [];
    const [weight, bias, mean, variance] = PARTS.map((part) =>
      free.has(`${module}.${part}`) ? tensors.get(`${module}.${part}`) : undefined,
    );
    const given = [weight, bias, mean, variance].filter((t) => t !== undefined);
    if (mean === undefined || variance === undefined) return [];
    if (given.some((t) => String(t.shape) !== String(mean.shape))) return [];
    return [
      {
        module,
        length: mean.shape[0],
        mean,
        variance,
        ...defined({ weight, bias }),
      },
    ];
  });
}

/** A layer of the model with its own tensors of the twin. */
interface Candidate {
  readonly layer: Layer;
  readonly weights: Match;
  readonly bias: string | undefined;
  readonly fold: Parameters<typeof isFolded>[0];
  readonly unitAxis: number;
}

/**
 * Which layer each normalisation was folded into: the one whose numbers say so, by name where several
 * do. Those that fit none are left out.
 */
export async function assigned(
  structure: Structure,
  tensors: ReadonlyMap<string, Tensor>,
  matched: readonly Match[],
  norms: readonly Normalisation[],
): Promise<readonly FoldedInto[]> {
  if (norms.length === 0) return [];
  const lengths = new Set(norms.map((n) => n.length));
  const candidates: Candidate[] = [];
  for (const layer of structure.layers.values())
    if (lengths.has(layer.units)) {
      const candidate = await candidateOf(structure, tensors, matched, layer);
      if (candidate !== undefined) candidates.push(candidate);
    }
  const fitting = norms.map((norm) => candidates.filter((c) => isFolded(c.fold, norm)));
  return norms.flatMap((norm, i): FoldedInto[] => {
    const fit = fitting[i];
    // Modules that were never trained are all alike, and a layer takes one normalisation only.
    const rivals = fit.some((c) => fitting.some((f, k) => k !== i && f.includes(c)));
    const [only, ...others] =
      fit.length > 1 || rivals
        ? fit.filter((c) => goTogether(twinModule(c.weights), norm.module))
        : fit;
    if (only === undefined || others.length > 0) return [];
    const own = PARTS.map((part) => `${norm.module}.${part}`).filter((n) => tensors.has(n));
    return [
      { tensors: own, weights: only.weights.stored, bias: only.bias, unitAxis: only.unitAxis },
    ];
  });
}

async function candidateOf(
  structure: Structure,
  tensors: ReadonlyMap<string, Tensor>,
  matched: readonly Match[],
  layer: Layer,
): Promise<Candidate | undefined> {
  const parameters = new Map(parametersOf(layer));
  const weight = parameters.get("weight");
  const stored = weight && storedOrder(weight)?.tensor;
  const weights = matched.find((m) => m.stored === stored);
  if (weights === undefined || weights.order.some((axis, i) => axis !== i)) return undefined;
  const unitAxis = typeOf(layer.node) === "ConvTranspose" ? 1 : 0;
  const bias = parameters.get("bias");
  const storedBias = bias && storedOrder(bias)?.tensor;
  const model = storedBias === undefined ? undefined : tensorOf(structure, storedBias);
  const own = tensors.get(`${twinModule(weights)}.bias`);
  const [w, t] = [tensorOf(structure, weights.stored), tensors.get(weights.twin)!];
  for (const tensor of [w, t, model, own]) if (tensor !== undefined) await loadTensor(tensor);
  return {
    layer,
    weights,
    bias: storedBias,
    unitAxis,
    fold: {
      scale: scaleOf(w, t, unitAxis),
      ...defined({ bias: model, own }),
    },
  };
}

const twinModule = ({ twin }: Match): string => twin.replace(/\.[^.]*$/, "");
