import type { ByteSource } from "../../data/dataset.ts";
import { ranges } from "../../data/ranges.ts";
import { type Shape, sameShape } from "../../ir/tensor.ts";
import { type Limits, USUAL_LIMITS } from "../../limits.ts";
import { describe, ProblemError, problem } from "../../problem.ts";
import type { Edit } from "../edits.ts";
import type { Edited, OtherFile, Siblings } from "../format.ts";
import type { Model } from "../model.ts";
import { Pinning } from "./arguments.ts";
import { type Built, build } from "./build.ts";
import { edited } from "./cut.ts";
import { settle } from "./editAttributes.ts";
import { inputPatches } from "./editInputs.ts";
import { shapePatches } from "./editShapes.ts";
import { storePatches } from "./editStores.ts";
import { type Parts, readParts, settled, tensorsOf } from "./read.ts";
import { type Patch, splice } from "./splice.ts";
import type { Stored } from "./stored.ts";
import { Window } from "./wire.ts";

/** The most that one protobuf message can hold, and so a model without external data. */
const LARGEST = 2 ** 31 - 1;

/**
 * The file with edited tensors and attributes. The edited model is built first: edits that do not fit together are
 * problems before anything is written. Rewritten tensors are stored in the file itself as raw_data, also
 * those that were external; shapes that the file notes for its values (value_info) follow. All other
 * bytes are copied; external data that are not edited are still referred to where they are.
 */
export async function applyEdits(
  source: ByteSource,
  siblings: Siblings,
  all: readonly Edit[],
  limits: Limits = USUAL_LIMITS,
): Promise<Edited> {
  return settled(source, async () => {
    const original = await readParts(source, siblings, limits);
    const { name: file } = source;
    const before = await built(original, (stored) => stored, file);
    const changes = settle(original, before, all, file);
    const { parts, edits } = changes;
    const names = new Set(edits.map((e) => e.tensor));
    for (const name of names)
      if (parts.stores.get(name)?.spot === undefined)
        throw new ProblemError(
          problem(
            "cannot-write",
            "there is no such tensor in the model's graph",
            file,
            `tensor ${name}`,
          ),
        );

    const change = (stored: Stored) =>
      edited(
        stored,
        edits.filter((e) => e.tensor === stored.name),
        file,
      );
    const pinning = new Pinning(
      before.arguments,
      changes.wanted,
      (step, input) => before.targets.freshName(step, input),
      before.model.facts.widened.length > 0,
    );
    const after = await built(parts, change, file, pinning);
    const known = new Set(before.problems.map(describe));
    const added = after.problems.filter((p) => !known.has(describe(p)));
    if (added.length > 0) return { file: undefined, model: undefined, problems: added };

    const window = new Window(source);
    const patches: Patch[] = shapePatches(
      parts.proto.graph,
      changedShapes(before.model, after.model),
    );
    patches.push(...(await changes.patches(window, pinning.copying)));
    patches.push(...(await inputPatches(window, parts.proto, pinning.pins, changes.blank)));
    for (const name of names) {
      const { spot, stored } = parts.stores.get(name)!;
      if (spot !== undefined) patches.push(...(await storePatches(window, spot, change(stored))));
    }
    const result = splice(source, patches);
    if (result.size > LARGEST)
      throw new ProblemError(
        problem(
          "cannot-write",
          `the model would have ${result.size} bytes, more than an ONNX file can hold (2 GiB)`,
          file,
        ),
      );
    const partial = before.problems.length + parts.problems.length > 0;
    const others = [...parts.external].map(([path, from]): OtherFile => {
      const pieces = () => ranges(from, 0, from.size);
      return { path, file: { size: from.size, pieces }, unchanged: true };
    });
    return { file: result, others, model: { ...after.model, partial }, problems: [] };
  });
}

const built = async (
  parts: Parts,
  change: (stored: Stored) => Stored,
  file: string,
  pinning?: Pinning,
): Promise<Built> => build(parts, await tensorsOf(parts.stores, change, file), file, pinning);

/** The values whose shape the edits change, by their name in the file. */
function changedShapes(before: Model, after: Model): ReadonlyMap<string, Shape> {
  const known = new Map([...before.names].map(([value, name]) => [name, value.shape]));
  const changed = new Map<string, Shape>();
  for (const [{ shape }, name] of after.names)
    if (!sameShape(shape, known.get(name) ?? shape)) changed.set(name, shape);
  return changed;
}
