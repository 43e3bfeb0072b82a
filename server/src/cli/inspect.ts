import type { ModelView, ValueView } from "#protocol/views/model.ts";
import { inspectModel } from "../operations/inspect.ts";
import type { Command } from "./command.ts";
import { modelPath } from "./flags.ts";

export const inspect: Command = {
  name: "inspect",
  usage: "MODEL",
  about: "shows what a model file holds: layers, shapes, parameters, multiply–accumulates",
  flags: {},
  help: [],
  async run(args) {
    const path = modelPath(args);
    const view = await inspectModel(path);
    return { json: { model: path, ...view }, text: show(view) };
  },
};

function show(view: ModelView): string {
  const width = Math.max(0, ...view.layers.map((l) => l.name.length));
  const cost = view.macs === undefined ? "" : `; ${view.macs.toLocaleString("en")} MAC`;
  return [
    `${view.name}  (${view.format}; ${view.parameters.toLocaleString("en")} parameters${cost})`,
    ...view.inputs.map((v) => `input   ${value(v)}`),
    ...view.layers.map(
      (l) =>
        `layer   ${l.name.padEnd(width)}  ${l.summary}  (${l.parameters.toLocaleString("en")} parameters)`,
    ),
    ...view.outputs.map((v) => `output  ${value(v)}`),
    ...view.problems.map((p) => `problem ${p}`),
    "",
  ].join("\n");
}

const value = ({ name, dtype, shape }: ValueView): string =>
  `${name}  ${dtype}[${shape.join(", ")}]`;
