/** Twins of graphs as tests make them: tensors by name. */
import assert from "node:assert/strict";
import type { Cutting } from "#core/formats/edits.ts";
import { constant, constantOf, type Graph } from "#core/ir/graph.ts";
import type { Tensor } from "#core/ir/tensor.ts";
import { ProblemError } from "#core/problem.ts";
import { Structure } from "#core/prune/coupling/structure.ts";
import { planPrune, type UnitSet } from "#core/prune/plan.ts";
import { twinEdits } from "#core/prune/twin/twinEdits.ts";

export type Tensors = Readonly<Record<string, Tensor>>;

export const twinOf = (tensors: Tensors): Graph => ({
  inputs: [],
  outputs: Object.entries(tensors).map(([name, t]) => constant(t, name)),
});

export const storedIn = (graph: Graph): Map<string, Tensor> =>
  new Map(
    [...Structure.of(graph).stored].map(([name, [value]]) => [name, constantOf(value)!] as const),
  );

export function editsOf(graph: Graph, ...units: UnitSet[]) {
  const planned = planPrune(graph, units);
  if ("refusal" in planned) assert.fail(`${planned.refusal.at}: ${planned.refusal.because}`);
  return planned.plan.edits;
}

export const show = (cuts: readonly Cutting[]): string[] =>
  cuts.map(({ tensor, axis, remove }) => `${tensor}[${axis}] - ${remove.join(" ")}`).sort();

export const twin = async (
  graph: Graph,
  tensors: Tensors,
  ...units: UnitSet[]
): Promise<string[]> =>
  show(await twinEdits(graph, editsOf(graph, ...units), twinOf(tensors), "twin"));

export async function refusal(
  graph: Graph,
  tensors: Tensors,
  ...units: UnitSet[]
): Promise<string> {
  try {
    await twin(graph, tensors, ...units);
  } catch (error) {
    assert.ok(error instanceof ProblemError, String(error));
    const { at, message } = error.problem;
    return `${at.place ?? at.file}: ${message}`;
  }
  assert.fail("not refused");
}
