import { describeLayer, layersOf, parameterCount, typeOf } from "#core/explain/layers.ts";
import {
  describeWeights,
  WEIGHTS_ONLY,
  type WeightLayer,
  weightLayersOf,
  weightsOnly,
} from "#core/explain/weightLayers.ts";
import { bindBatch } from "#core/formats/batch.ts";
import type { Model } from "#core/formats/model.ts";
import type { Value } from "#core/ir/graph.ts";
import { describe, type Problem } from "#core/problem.ts";
import { macs } from "#core/prune/cost.ts";
import { fixedBecause } from "#core/prune/plan.ts";
import type { LayerView, ModelView, ValueView } from "#protocol/views/model.ts";

/** The model's structure as plain data; weights are not needed. */
export function viewModel(model: Model, problems: readonly Problem[]): ModelView {
  const { graph } = model;
  if (weightsOnly(graph)) return viewWeights(model, problems);
  const one = bindBatch(graph, 1);
  return {
    name: model.name,
    format: model.facts.dialect,
    parameters: model.parameters,
    ...(one.kind === "bound" ? { macs: macs(one.graph) } : {}),
    inputs: graph.inputs.map((v) => viewValue(v, model)),
    outputs: graph.outputs.map((v) => viewValue(v, model)),
    layers: layersOf(graph).map((layer) => {
      const fixed = layer.output ? undefined : fixedBecause(graph, layer);
      return {
        name: layer.name,
        op: typeOf(layer.node),
        summary: describeLayer(layer),
        units: layer.units,
        parameters: parameterCount(layer),
        output: layer.output,
        ...(fixed === undefined ? {} : { fixed: `${fixed.because} (${fixed.at})` }),
      };
    }),
    problems: [...problems.map(describe), ...(model.notes ?? [])],
  };
}

/** Weights without a graph: what names and shapes tell. */
const viewWeights = (
  { name, facts, parameters, graph }: Model,
  problems: readonly Problem[],
): ModelView => ({
  name,
  format: facts.dialect,
  parameters,
  inputs: [],
  outputs: [],
  layers: weightLayersOf(graph).map(viewWeightLayer),
  problems: [...problems.map(describe), WEIGHTS_ONLY],
});

const viewWeightLayer = (layer: WeightLayer): LayerView => ({
  name: layer.name,
  op: "weight",
  summary: describeWeights(layer),
  units: layer.units,
  parameters: layer.parameters,
  output: false,
  fixed: "the file holds weights only",
});

const viewValue = (value: Value, { names }: Model): ValueView => ({
  name: names.get(value) ?? value.node.name,
  dtype: value.dtype,
  shape: value.shape,
});
