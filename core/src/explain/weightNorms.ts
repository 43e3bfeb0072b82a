import type { Importance, LayerImportance } from "#protocol/views/importance.ts";
import { fold } from "../compile/fold.ts";
import { constantOf, type Graph } from "../ir/graph.ts";
import { known, type Tensor } from "../ir/tensor.ts";
import { type Layer, layersOf, typeOf } from "./layers.ts";

/**
 * What can be said of units without data: the Euclidean norm of the weights that lead into each
 * (magnitude pruning; Li et al. 2017 use the L1 norm of filters). Everything that needs data is empty.
 * @param graph with its weights in memory
 */
export function weightNorms(graph: Graph): Importance {
  const [x] = graph.inputs;
  return {
    data: "",
    samples: 0,
    outputs: "probabilities",
    layers: layersOf(fold(graph)).map(ofLayer),
    input: { shape: x.shape.slice(1).filter((d) => typeof d === "number"), importance: [] },
  };
}

function ofLayer(layer: Layer): LayerImportance {
  const { name, units, output } = layer;
  const weights = constantOf(layer.weights);
  const importance =
    weights === undefined ? new Array<number>(units).fill(0) : norms(weights, layer);
  const none: readonly number[] = [];
  const unknown = { sigma: none, gate: none, scaled: none, meanAbs: none, meanSquare: none };
  const data = { active: none, deviation: none, contribution: [] };
  return {
    name,
    op: typeOf(layer.node),
    units,
    importance,
    index: "weights",
    ...unknown,
    ...data,
    output,
  };
}

/** Per unit; units are the first axis (Conv, Gemm with transB) or the last. */
function norms({ shape, data }: Tensor, { node, units }: Layer): number[] {
  const { transB } = node.attrs as { transB?: number };
  const first = typeOf(node) === "Conv" || transB === 1;
  const each = data.length / units;
  const squares = new Array<number>(known(shape)[first ? 0 : shape.length - 1]).fill(0);
  for (let i = 0; i < data.length; i++)
    squares[first ? Math.floor(i / each) : i % units] += data[i] ** 2;
  return squares.map(Math.sqrt);
}
