import type { Tensor } from "../../ir/tensor.ts";
import type { Limits } from "../../limits.ts";
import type { Built } from "../keras/build.ts";
import { buildKeras } from "../keras/build.ts";
import type { StoredVariable, WeightSource } from "../keras/weightSource.ts";
import type { Facts } from "../model.ts";
import { type JsonRecord, record, text } from "./json.ts";

export type BuiltLayers = Pick<Built, "model" | "problems" | "stored" | "calls">;

type Tensors = ReadonlyMap<string, Tensor | undefined>;

/** A layers model: Keras's configuration, with the weights of the manifest. */
export function buildLayers(
  topology: JsonRecord,
  tensors: Tensors,
  facts: Facts,
  file: string,
  limits: Limits,
): BuiltLayers {
  const { dialect, metadata } = facts;
  const built = buildKeras(configOf(topology), manifestWeights(tensors), {
    file,
    format: "tfjs",
    dialect,
    producer: producerOf(topology, facts),
    metadata,
    limits,
  });
  const { widened } = facts;
  return { ...built, model: { ...built.model, facts: { ...built.model.facts, widened } } };
}

/** What Keras 3 does otherwise goes by its version, which the converter tells in its own way. */
function producerOf(topology: JsonRecord, { producer }: Facts): string {
  const version = text(topology.keras_version);
  if (version === "" || version.startsWith("tfjs")) return producer;
  const others = producer.split(", ").filter((p) => p !== "" && !p.startsWith("keras"));
  return [`keras ${version}`, ...others].join(", ");
}

/** Keras writes the configuration beside its version, TensorFlow.js alone. */
export const configOf = (topology: JsonRecord): JsonRecord =>
  record(topology.model_config) ?? topology;

/**
 * The manifest names weights "layer/kernel"; Keras puts the cell's name before the variable's
 * ("lstm/lstm_cell/kernel"), and the model's name before nested layers.
 */
export function manifestWeights(tensors: Tensors): WeightSource {
  const names = [...tensors.keys()];
  return {
    variables({ path }, wanted) {
      const layer = path.at(-1) ?? "";
      const own =
        names.filter((n) => belongs(n, path.join("/"))).length > 0 ? path.join("/") : layer;
      const mine = names.filter((n) => belongs(n, own));
      const inOrder = mine.length === wanted.length ? mine : [];
      return wanted.map((name, i): StoredVariable | undefined => {
        const found = byName(mine, name) ?? inOrder[i];
        const tensor = found === undefined ? undefined : tensors.get(found);
        return found === undefined || tensor === undefined ? undefined : { name: found, tensor };
      });
    },
  };
}

const belongs = (name: string, layer: string): boolean => name.startsWith(`${layer}/`);

/** The variable of that name, whatever cells and sublayers stand before it, if there is one only. */
function byName(names: readonly string[], variable: string): string | undefined {
  const last = variable.split("/").at(-1)!;
  const same = names.filter((n) => n.split("/").at(-1) === last);
  return same.length === 1 ? same[0] : undefined;
}
