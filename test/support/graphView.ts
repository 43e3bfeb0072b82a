import type { Model } from "#core/formats/model.ts";
import type { Graph } from "#core/ir/graph.ts";
import type { ModelView } from "#protocol/views/model.ts";
import { viewModel } from "#server/operations/view.ts";

/** The structure of a graph that is in no file, as the listing shows it. */
export function graphView(graph: Graph, name = "net.onnx"): ModelView {
  const model: Model = {
    format: "onnx",
    name,
    graph,
    partial: false,
    facts: {
      dialect: "onnx, opset 21",
      producer: "",
      docString: "",
      metadata: new Map(),
      widened: [],
      nodes: 0,
    },
    names: new Map(),
    origins: new Map(),
    parameters: 1234,
  };
  return viewModel(model, []);
}
