import { constantOf, type Graph, type Value } from "../ir/graph.ts";
import { isFloat, size, type Tensor } from "../ir/tensor.ts";

/** A layer of a file that holds weights and no graph, as far as names and shapes tell. */
export interface WeightLayer {
  /** Module path: the tensor's name without ".weight". */
  readonly name: string;
  readonly weights: Tensor;
  readonly units: number;
  /** Axis of the units: the first, as in PyTorch; the last of what is called a kernel (Flax, Keras). */
  readonly axis: number;
  /** Names of the other tensors of the module: "bias". */
  readonly companions: readonly string[];
  /** Elements of all of them. */
  readonly parameters: number;
}

/** Whether a model is only weights: nothing can be computed with it. */
export const weightsOnly = ({ inputs, outputs }: Graph): boolean =>
  inputs.length === 0 && outputs.length > 0 && outputs.every((v) => constantOf(v) !== undefined);

/** Why there are no results, and what to do. */
export const WEIGHTS_ONLY =
  "it holds weights only, and computing needs the graph: open the ONNX export of the model";

/** Weights of two or more axes, each with the smaller tensors of its module, in the file's order. */
export function weightLayersOf({ outputs }: Graph): readonly WeightLayer[] {
  const modules = new Map<string, Value[]>();
  for (const value of outputs) {
    const module = moduleOf(value);
    const own = modules.get(module);
    if (own === undefined) modules.set(module, [value]);
    else own.push(value);
  }
  return outputs.flatMap((value): WeightLayer[] => {
    const weights = constantOf(value);
    const part = lastPart(value);
    if (weights === undefined || !isWeights(part, weights)) return [];
    const module = moduleOf(value);
    const plain = /^(weight|kernel)$/.test(part);
    const others = plain
      ? (modules.get(module) ?? []).filter(
          (v) => v !== value && !isWeights(lastPart(v), constantOf(v)),
        )
      : [];
    const axis = part === "kernel" ? weights.shape.length - 1 : 0;
    return [
      {
        name: plain && module !== "" ? module : value.node.name,
        weights,
        units: weights.shape[axis],
        axis,
        companions: others.map(lastPart),
        parameters: [value, ...others].reduce((n, v) => n + floats(v), 0),
      },
    ];
  });
}

/** "[32, 16, 3, 3] weight, bias" */
export const describeWeights = ({ weights, companions }: WeightLayer): string =>
  [`weight ${weights.shape.join("x")}`, ...companions].join("  ");

/** Euclidean norm of the weights that lead into each unit. */
export function unitNorms({ weights: { shape, data }, units, axis }: WeightLayer): number[] {
  const inner = size(shape.slice(axis + 1));
  const squares = new Array<number>(units).fill(0);
  for (let i = 0; i < data.length; i++) squares[Math.floor(i / inner) % units] += data[i] ** 2;
  return squares.map(Math.sqrt);
}

const isWeights = (part: string, tensor: Tensor | undefined): boolean =>
  tensor !== undefined &&
  tensor.shape.length >= 2 &&
  size(tensor.shape) > 0 &&
  isFloat(tensor.dtype) &&
  /weight|kernel/.test(part);

/** "conv1.weight" and "dense/kernel:0" are of conv1 and dense. */
const moduleOf = ({ node }: Value): string => /^(.*)[./][^./]+$/.exec(node.name)?.[1] ?? "";
const lastPart = ({ node }: Value): string =>
  /[^./]+$/.exec(node.name)?.[0].replace(/:0$/, "") ?? node.name;

function floats(value: Value): number {
  const tensor = constantOf(value);
  return tensor !== undefined && isFloat(tensor.dtype) ? size(tensor.shape) : 0;
}
