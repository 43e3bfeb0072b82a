import { fail } from "../../problem.ts";
import type { Replacing, TensorEdit } from "../edits.ts";
import type { Call } from "../keras/build.ts";
import { editConfig, refreshShapes } from "../keras/editConfig.ts";
import { type JsonRecord, record } from "./json.ts";
import { type BuiltLayers, configOf } from "./layers.ts";

/** Edits by the names of the manifest, and those of lengths that only the configuration has. */
export function layerEdits(
  { stored }: BuiltLayers,
  edits: readonly TensorEdit[],
  file: string,
): { own: readonly TensorEdit[]; targets: readonly Replacing[] } {
  const own: TensorEdit[] = [];
  const targets: Replacing[] = [];
  for (const edit of edits) {
    const name = stored.get(edit.tensor);
    if (name !== undefined) own.push({ ...edit, tensor: name });
    else if (stored.has(edit.tensor)) {
      // A cut of what the file does not have, such as a scale of 1, changes nothing in it.
      if ("replace" in edit) targets.push(edit);
      if ("write" in edit)
        fail(
          "cannot-write",
          "the file does not store it, so new numbers have no place",
          file,
          `weight ${edit.tensor}`,
        );
    } else
      fail("cannot-write", "there is no such weight in the model", file, `weight ${edit.tensor}`);
  }
  return { own, targets };
}

/** The configuration with the lengths of the edited weights. */
export function editLayers(
  topology: JsonRecord,
  shapes: ReadonlyMap<string, readonly number[]>,
): JsonRecord {
  return withConfig(topology, editConfig(configOf(topology), shapes));
}

/** Keras 3 notes the shapes of every call too: they become those of the edited model. */
export const refreshed = (
  topology: JsonRecord,
  calls: ReadonlyMap<string, readonly Call[]>,
): JsonRecord => withConfig(topology, refreshShapes(configOf(topology), calls));

const withConfig = (topology: JsonRecord, config: unknown): JsonRecord =>
  topology.model_config === undefined
    ? (record(config) ?? {})
    : { ...topology, model_config: config };
