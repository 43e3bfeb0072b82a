import { strFromU8 } from "fflate";
import type { Format } from "../format.ts";
import { applyEdits } from "./edit.ts";
import { read } from "./read.ts";

/**
 * TensorFlow.js: a model.json with the topology (a graph of TensorFlow, or layers of Keras) and a list of
 * the files that hold the weights.
 */
export const tfjs: Format = {
  name: "TensorFlow.js",
  match: (head, name) => name.toLowerCase().endsWith(".json") && looksLikeModel(head),
  read,
  applyEdits,
};

/** Any JSON file may have that name: one of the keys must be there. */
const looksLikeModel = (head: Uint8Array): boolean => {
  const start = strFromU8(head, true).replace(/^\u00ef\u00bb\u00bf/, "");
  return (
    /^\s*\{/.test(start) &&
    /"(modelTopology|weightsManifest)"\s*:|"format"\s*:\s*"(graph|layers)-model"/.test(start)
  );
};
