import type { ByteSource } from "../../data/dataset.ts";
import type { Tensor } from "../../ir/tensor.ts";
import { type Limits, USUAL_LIMITS } from "../../limits.ts";
import { fail, type Problem } from "../../problem.ts";
import type { Opened, Siblings } from "../format.ts";
import { byteSize, type Stored, tensorOf } from "../onnx/stored.ts";
import { loadTensor } from "../weights.ts";
import { factsOf } from "./facts.ts";
import { type BuiltGraph, buildGraph } from "./graph/build.ts";
import { type JsonRecord, readJson, record, text } from "./json.ts";
import { type BuiltLayers, buildLayers } from "./layers.ts";
import { asProblem, type Manifest, readManifest } from "./manifest.ts";

/** The parts of a model.json. */
export interface Parts {
  readonly json: JsonRecord;
  readonly text: string;
  readonly topology: JsonRecord;
  readonly kind: "graph" | "layers";
  readonly manifest: Manifest;
  readonly limits: Limits;
}

export type Built =
  | (BuiltGraph & { readonly kind: "graph" })
  | (BuiltLayers & { readonly kind: "layers" });

/** Tensors up to this size are in memory at once: among them are the shapes that building needs. */
const EAGER = 4 * 1024;

export async function read(
  source: ByteSource,
  siblings: Siblings,
  limits: Limits = USUAL_LIMITS,
): Promise<Opened> {
  return settled(source, async () => {
    const parts = await readParts(source, siblings, limits);
    const { model, problems } = await build(parts, (stored) => stored, source.name);
    const all = [...parts.manifest.problems, ...problems];
    return { model: { ...model, partial: all.length > 0 }, problems: all };
  });
}

/** Any ProblemError, and a file that cannot be read, becomes the answer. */
export async function settled<T extends { readonly problems: readonly Problem[] }>(
  source: ByteSource,
  work: () => Promise<T>,
): Promise<T | { model: undefined; file: undefined; problems: readonly Problem[] }> {
  try {
    return await work();
  } catch (error) {
    return { model: undefined, file: undefined, problems: [asProblem(error, source.name)] };
  }
}

export async function readParts(
  source: ByteSource,
  siblings: Siblings,
  limits: Limits,
): Promise<Parts> {
  const { json, text: content } = await readJson(source, limits);
  const topology = record(json.modelTopology);
  if (topology === undefined)
    return fail(
      "unreadable-model",
      "there is no model in it: a TensorFlow.js model has modelTopology and weightsManifest",
      source.name,
      "modelTopology",
    );
  const graph = text(json.format) === "graph-model" || Array.isArray(topology.node);
  const manifest = await readManifest(json, siblings, source.name);
  return { json, text: content, topology, kind: graph ? "graph" : "layers", manifest, limits };
}

/** The model with changed tensors; those that are small are read. */
export async function build(
  parts: Parts,
  change: (stored: Stored) => Stored,
  file: string,
  topology: JsonRecord = parts.topology,
): Promise<Built> {
  const tensors = new Map<string, Tensor | undefined>();
  for (const [name, weight] of parts.manifest.weights) {
    const stored = weight && change(weight);
    const tensor = stored && tensorOf(stored);
    tensors.set(name, tensor);
    if (stored !== undefined && tensor !== undefined && byteSize(stored) <= EAGER)
      await loadTensor(tensor);
  }
  const facts = factsOf(parts.json, parts.kind, parts.manifest);
  if (parts.kind === "graph")
    return {
      kind: "graph",
      ...buildGraph(parts.json, topology, tensors, facts, file, parts.limits),
    };
  return { kind: "layers", ...buildLayers(topology, tensors, facts, file, parts.limits) };
}
