import type { ByteSource } from "../../data/dataset.ts";
import { constant, type Value } from "../../ir/graph.ts";
import { isFloat, size } from "../../ir/tensor.ts";
import type { Opened } from "../format.ts";
import type { Model } from "../model.ts";
import { settled } from "../onnx/read.ts";
import { type Stored, tensorOf } from "../onnx/stored.ts";
import { type Entry, type Header, readHeader } from "./header.ts";

/** Weights without a graph: a model without inputs, whose outputs are the stored tensors. */
export const read = (source: ByteSource): Promise<Opened> =>
  settled(source, async () => {
    const header = await readHeader(source);
    const stores = header.entries.map((entry) => storedOf(source, entry));
    return { model: modelOf(source.name, header, stores), problems: [] };
  });

export const storedOf = (source: ByteSource, entry: Entry): Stored => ({
  name: entry.name,
  element: entry.element,
  shape: entry.shape,
  bytes: () => source.read(entry.start, entry.end - entry.start),
});

export function modelOf(file: string, { metadata }: Header, stores: readonly Stored[]): Model {
  const outputs = stores.map((stored) => constant(tensorOf(stored), stored.name));
  const types = new Set(stores.map(({ element }) => element.name));
  return {
    format: "safetensors",
    name: file,
    graph: { inputs: [], outputs },
    partial: false,
    facts: {
      dialect: "safetensors, weights only",
      producer: "",
      docString: "",
      metadata,
      widened: ["float16", "bfloat16"].filter((name) => types.has(name)),
      nodes: 0,
    },
    names: new Map(outputs.map((v): [Value, string] => [v, v.node.name])),
    origins: new Map(),
    parameters: stores
      .filter(({ element }) => isFloat(element.dtype))
      .reduce((n, { shape }) => n + size(shape), 0),
  };
}
