import type { Lower } from "../layer.ts";
import { activationLayers } from "./activations.ts";
import { attentionLayers } from "./attention.ts";
import { convolutionLayers } from "./convolutions.ts";
import { coreLayers } from "./core.ts";
import { functionOps } from "./functions.ts";
import { mergingLayers } from "./merging.ts";
import { normalizationLayers } from "./normalizations.ts";
import { poolingLayers } from "./pooling.ts";
import { recurrentLayers } from "./recurrent.ts";
import { resizingLayers } from "./resizing.ts";

/** How each class of Keras's layers is put into operators, by the class's name. */
const layers: Readonly<Record<string, Lower>> = {
  ...activationLayers,
  ...attentionLayers,
  ...convolutionLayers,
  ...coreLayers((className) => layerOf(className)),
  ...mergingLayers,
  ...normalizationLayers,
  ...poolingLayers,
  ...recurrentLayers,
  ...resizingLayers,
};

export const layerOf = (className: string): Lower | undefined =>
  Object.hasOwn(layers, className) ? layers[className] : undefined;

/** The same for operations of keras.ops, and functions of TensorFlow in Keras 2. */
export const functionOf = (name: string): Lower | undefined =>
  Object.hasOwn(functionOps, name) ? functionOps[name] : undefined;

export const layerClasses: readonly string[] = Object.keys(layers);
