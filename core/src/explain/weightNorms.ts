import type { Importance, LayerImportance } from "#protocol/views/importance.ts";
import { fold } from "../compile/fold.ts";
import { constantOf, type Graph, type Value } from "../ir/graph.ts";
import { size, type Tensor } from "../ir/tensor.ts";
import { type Layer, layersUpTo, typeOf } from "./layers.ts";
import { unitNorms, type WeightLayer, weightLayersOf, weightsOnly } from "./weightLayers.ts";

/**
 * What can be said of units without data: the Euclidean norm of the weights that lead into each
 * (magnitude pruning; Li et al. 2017 use the L1 norm of filters). Everything that needs data is empty.
 * @param graph with its weights in memory
 * @param own how many of its outputs, the first ones, are the model's
 */
export function weightNorms(graph: Graph, own = graph.outputs.length): Importance {
  const [x] = graph.inputs;
  const layers = weightsOnly(graph)
    ? weightLayersOf(graph).map(ofWeights)
    : layersUpTo(graph, own).map(ofLayer);
  return {
    data: "",
    samples: 0,
    outputs: "probabilities",
    layers,
    input: { shape: x?.shape.slice(1).filter((d) => typeof d === "number") ?? [], importance: [] },
  };
}

function ofLayer(layer: Layer): LayerImportance {
  const { name, units, output } = layer;
  const weights = constantOf(layer.weights) ?? computed(layer.weights);
  const importance =
    weights === undefined ? new Array<number>(units).fill(0) : norms(weights, layer);
  return byWeights({ name, op: typeOf(layer.node), units, importance, output });
}

/** Weights that are laid out or put together from stored ones. */
const computed = (value: Value): Tensor | undefined =>
  constantOf(fold({ inputs: [], outputs: [value] }).outputs[0]);

const ofWeights = (layer: WeightLayer): LayerImportance =>
  byWeights({
    name: layer.name,
    op: "weight",
    units: layer.units,
    importance: unitNorms(layer),
    output: false,
  });

function byWeights(
  layer: Pick<LayerImportance, "name" | "op" | "units" | "importance" | "output">,
): LayerImportance {
  const none: readonly number[] = [];
  const unknown = { sigma: none, gate: none, scaled: none, meanAbs: none, meanSquare: none };
  const data = { active: none, deviation: none, contribution: [] };
  return { ...layer, index: "weights", ...unknown, ...data };
}

/** Per unit: the weights' elements are counted by where the unit stands in them. */
function norms({ shape, data }: Tensor, layer: Layer): number[] {
  const unit = unitAt(shape, layer);
  const squares = new Array<number>(layer.units).fill(0);
  for (let i = 0; i < data.length; i++) squares[unit(i)] += data[i] ** 2;
  return squares.map(Math.sqrt);
}

function unitAt(shape: readonly number[], { node, units }: Layer): (i: number) => number {
  const { transB, group = 1 } = node.attrs as { transB?: number; group?: number };
  const each = size(shape) / units;
  switch (typeOf(node)) {
    case "Conv":
      return (i) => Math.floor(i / each);
    case "ConvTranspose": {
      // [inputs, units per group, …]: the inputs of a group come together.
      const own = units / group;
      const taps = size(shape.slice(2));
      const inputs = shape[0] / group;
      return (i) => Math.floor(i / taps / own / inputs) * own + (Math.floor(i / taps) % own);
    }
    case "LSTM":
    case "GRU":
    case "RNN":
      // [directions, gates · units, inputs].
      return (i) => Math.floor(i / shape[2]) % units;
    default:
      return transB === 1 ? (i) => Math.floor(i / each) : (i) => i % units;
  }
}
