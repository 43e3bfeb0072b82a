import { defined } from "#core/defined.ts";
import {
  describeLayer,
  type Layer,
  layersBefore,
  layersUpTo,
  parameterCount,
  typeOf,
} from "#core/explain/layers.ts";
import {
  describeWeights,
  WEIGHTS_ONLY,
  type WeightLayer,
  weightLayersOf,
  weightsOnly,
} from "#core/explain/weightLayers.ts";
import type { Model } from "#core/formats/model.ts";
import type { Value } from "#core/ir/graph.ts";
import { describe, type Problem } from "#core/problem.ts";
import { macsOfOne } from "#core/prune/cost.ts";
import { couplingOf } from "#core/prune/coupling/coupling.ts";
import { type FixedLayer, unitGroups } from "#core/prune/coupling/groups.ts";
import type { LayerView, ModelView, UnreadView, ValueView } from "#protocol/views/model.ts";

/** The model's structure as plain data; weights are not needed. */
export function viewModel(model: Model, problems: readonly Problem[]): ModelView {
  const { graph } = model;
  if (weightsOnly(graph)) return viewWeights(model, problems);
  const macs = macsOfOne(graph);
  const layers = layersUpTo(graph, model.ownOutputs ?? graph.outputs.length);
  const groups = model.partial ? undefined : unitGroups(graph);
  const fixed = new Map(groups?.fixed.map((f) => [f.layer, f]));
  const coupling = groups && couplingOf(graph, groups);
  return {
    name: model.name,
    format: model.facts.dialect,
    parameters: model.parameters,
    ...defined({ macs }),
    inputs: graph.inputs.map((v) => viewValue(v, model)),
    outputs: graph.outputs.map((v) => viewValue(v, model)),
    layers: layers.map((layer) => ({
      name: layer.name,
      op: typeOf(layer.node),
      summary: describeLayer(layer),
      units: layer.units,
      parameters: parameterCount(layer),
      output: layer.output,
      ...(model.partial && !layer.output ? { fixed: NOT_WHOLE } : keptBy(layer, fixed)),
    })),
    ...defined({ coupling }),
    problems: [...problems.map(describe), ...(model.notes ?? [])],
    ...(model.partial ? { unread: problems.map((p) => viewUnread(p, model, layers)) } : {}),
  };
}

/** Outputs and single units stay by themselves: nothing need be said of them. */
function keptBy(
  { name, output, units }: Layer,
  fixed: ReadonlyMap<string, FixedLayer>,
): Pick<LayerView, "fixed" | "fixedAt"> {
  const found = fixed.get(name);
  if (output || units < 2 || found === undefined) return {};
  return { fixed: `${found.because} (${found.at})`, fixedAt: found.at };
}

const NOT_WHOLE = "the model could not be read as a whole";

/** Where in the listing a problem belongs: at the layers before it. */
function viewUnread(problem: Problem, { ends = [] }: Model, layers: readonly Layer[]): UnreadView {
  const values = ends.flatMap(({ at, values }) => (at === problem.at.place ? values : []));
  return {
    code: problem.code,
    message: describe(problem),
    layers: layersBefore(values, layers).map((l) => l.name),
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
