import { strToU8 as utf8 } from "fflate";
import type { ByteSource } from "../../data/dataset.ts";
import { sameShape } from "../../ir/tensor.ts";
import { type Limits, USUAL_LIMITS } from "../../limits.ts";
import { describe, fail } from "../../problem.ts";
import { type Edit, ofTensor, type Replacing, type TensorEdit } from "../edits.ts";
import type { Edited, EditedFile, Siblings } from "../format.ts";
import { edited } from "../onnx/cut.ts";
import type { Stored } from "../onnx/stored.ts";
import { checkSettings } from "../settings.ts";
import { editLayers, layerEdits, refreshed } from "./editLayers.ts";
import { editNodes, settingEdits, targetEdits } from "./editNodes.ts";
import { type JsonRecord, list, record, text } from "./json.ts";
import type { Manifest } from "./manifest.ts";
import { type Built, build, type Parts, readParts, settled } from "./read.ts";
import { editedGroup, type NewGroup } from "./writeShards.ts";

/**
 * The model with edited weights. The edited model is built first: edits that do not fit together are
 * problems before anything is written. Groups of shards that hold an edited weight are written anew, under
 * names made of their content; the others stay as they are. Quantised weights stay quantised: their stored
 * numbers are cut, except where all of a weight is written: that becomes float32. Whatever else is in the model.json stays.
 */
export async function applyEdits(
  source: ByteSource,
  siblings: Siblings,
  all: readonly Edit[],
  limits: Limits = USUAL_LIMITS,
): Promise<Edited> {
  return settled(source, async () => {
    const { name: file } = source;
    const parts = await readParts(source, siblings, limits);
    const before = await build(parts, (stored) => stored, file);
    const { own, targets } = sorted(before, all, file);
    const change = (stored: Stored) =>
      edited(
        stored,
        own.filter((e) => e.tensor === stored.name),
        file,
      );
    for (const { tensor } of own)
      if (parts.manifest.weights.get(tensor) === undefined)
        fail("cannot-write", "there is no such weight in the model", file, `weight ${tensor}`);

    const topology = topologyOf(parts, before, change, targets);
    const after = await build(parts, change, file, topology);
    const known = new Set(before.problems.map(describe));
    const added = after.problems.filter((p) => !known.has(describe(p)));
    if (added.length > 0) return { file: undefined, model: undefined, problems: added };
    checkSettings(after.model, all, file);

    const changed = new Set(own.map((e) => e.tensor));
    const groups: NewGroup[] = [];
    for (const [index] of parts.manifest.groups.entries())
      groups.push(await editedGroup(parts.manifest, index, changed, change, siblings));
    const result: JsonRecord = {
      ...parts.json,
      modelTopology:
        after.kind === "graph"
          ? editNodes(topology, after.shapes)
          : refreshed(topology, after.calls),
      weightsManifest: manifestOf(parts, change, groups),
    };
    const partial = before.problems.length + parts.manifest.problems.length > 0;
    return {
      file: jsonFile(result, parts.text),
      others: groups.flatMap((g) => g.files),
      model: { ...after.model, partial },
      problems: [],
    };
  });
}

/** Edits of what is stored, and of lengths that the configuration tells. */
function sorted(
  before: Built,
  all: readonly Edit[],
  file: string,
): { own: readonly TensorEdit[]; targets: readonly Replacing[] } {
  const edits = all.filter(ofTensor);
  if (before.kind !== "graph") return layerEdits(before, edits, file);
  const own = [...targetEdits(before.targets, edits, file), ...settingEdits(before, all)];
  return { own, targets: [] };
}

function topologyOf(
  { topology, manifest }: Parts,
  before: Built,
  change: (stored: Stored) => Stored,
  targets: readonly Replacing[],
): JsonRecord {
  if (before.kind === "graph") return topology;
  const shapes = new Map<string, readonly number[]>();
  for (const [name, stored] of before.stored) {
    const weight = stored === undefined ? undefined : manifest.weights.get(stored);
    if (weight === undefined) continue;
    const { shape } = change(weight);
    if (!sameShape(shape, weight.shape)) shapes.set(name, shape);
  }
  for (const { tensor, replace } of targets) shapes.set(tensor, replace);
  return editLayers(topology, shapes);
}

function manifestOf(
  { json, manifest }: { json: JsonRecord; manifest: Manifest },
  change: (stored: Stored) => Stored,
  groups: readonly NewGroup[],
): readonly unknown[] {
  return list(json.weightsManifest).map((raw, i) => {
    const group = record(raw);
    if (group === undefined) return raw;
    const weights = list(group.weights).map((entry) => {
      const weight = manifest.weights.get(text(record(entry)?.name));
      if (weight === undefined) return entry;
      const { shape, element } = change(weight);
      const { quantization, ...plain } = record(entry) ?? {};
      if (element !== weight.element) return { ...plain, shape };
      return shape === weight.shape ? entry : { ...record(entry), shape };
    });
    return { ...group, paths: groups[i].paths, weights };
  });
}

/** Indented as the original is, if it is so throughout. */
function jsonFile(model: JsonRecord, original: string): EditedFile {
  const indent = /^\{\r?\n([ \t]+)/.exec(original)?.[1];
  const throughout = JSON.stringify(JSON.parse(original), undefined, indent).length;
  const used = throughout > 1.1 * original.length ? undefined : indent;
  const bytes = utf8(JSON.stringify(model, undefined, used) + (/\n$/.test(original) ? "\n" : ""));
  return {
    size: bytes.length,
    async *pieces() {
      yield bytes;
    },
  };
}
