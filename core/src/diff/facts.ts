import type { Change } from "#protocol/views/diff.ts";
import type { Model } from "../formats/model.ts";
import { showType } from "../ir/tensor.ts";

/** What the files say of themselves, as far as it differs. */
export function factChanges(a: Model, b: Model): readonly Change[] {
  const [x, y] = [factsOf(a), factsOf(b)];
  return changesBetween(x, y);
}

/** Entries that differ, in the order of the first and then of the second. */
export const changesBetween = (
  x: ReadonlyMap<string, string>,
  y: ReadonlyMap<string, string>,
): readonly Change[] =>
  [...new Set([...x.keys(), ...y.keys()])].flatMap((what) => {
    const [before, after] = [x.get(what) ?? "", y.get(what) ?? ""];
    return before === after ? [] : [{ what, before, after }];
  });

function factsOf({ facts, graph, names, ownOutputs }: Model): ReadonlyMap<string, string> {
  const outputs = graph.outputs.slice(0, ownOutputs ?? graph.outputs.length);
  const ends = [
    ...graph.inputs.map((v, i) => [`input ${i + 1}`, v] as const),
    // Of weights without a graph every tensor is an output: they are told as tensors.
    ...(graph.inputs.length === 0 ? [] : outputs.map((v, i) => [`output ${i + 1}`, v] as const)),
  ];
  return new Map([
    ["format", facts.dialect],
    ["producer", facts.producer],
    ["description", facts.docString],
    ["stored as", facts.widened.join(", ")],
    ...[...facts.metadata].map(([key, value]) => [`metadata ${key}`, value] as const),
    ...ends.map(([what, v]) => [what, `${names.get(v) ?? v.node.name} ${showType(v)}`] as const),
  ]);
}
