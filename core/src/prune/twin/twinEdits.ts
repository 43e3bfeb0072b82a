import type { Cutting, Edit } from "../../formats/edits.ts";
import { loadTensor } from "../../formats/weights.ts";
import { constantOf, type Graph } from "../../ir/graph.ts";
import { isFloat, size, type Tensor } from "../../ir/tensor.ts";
import { fail } from "../../problem.ts";
import { Structure } from "../coupling/structure.ts";
import { type Match, matchTwin, tensorOf } from "./match.ts";
import { assigned, type FoldedInto, normalisationsIn } from "./normalisations.ts";

/**
 * The edits of a model file, for a twin: tensors without a graph under the names of the module that the
 * model was exported from (a state_dict). Throws ProblemError, naming the tensor, where it is not certain
 * what has to go.
 * @param file the twin's, for problems
 */
export async function twinEdits(
  graph: Graph,
  edits: readonly Edit[],
  twin: Graph,
  file: string,
): Promise<readonly Cutting[]> {
  const structure = Structure.of(graph);
  const tensors = new Map(twin.outputs.map((v) => [v.node.name, constantOf(v)!]));
  const cuts = edits.filter((e): e is Cutting => "remove" in e);
  const written = edits.find((e) => "write" in e);
  if (written !== undefined)
    fail(
      "cannot-prune",
      "the prune changes numbers, too, which a twin cannot follow: choose units that are only cut",
      file,
      "tensor" in written ? `tensor ${written.tensor}` : undefined,
    );
  const { matched, left } = await matchTwin(structure, tensors, file);
  const norms = normalisationsIn(tensors, left);
  for (const { mean, variance, weight, bias } of norms)
    for (const t of [mean, variance, weight, bias]) if (t !== undefined) await loadTensor(t);
  const lengths = new Set(cuts.map(({ tensor, axis }) => tensorOf(structure, tensor).shape[axis]));
  const folded = await assigned(structure, tensors, matched, norms);
  checkLeft(tensors, left, folded, lengths, file);
  checkCuts(structure, cuts, matched, folded, file);
  return merged(
    [...matched.flatMap((m) => ofMatch(m, cuts)), ...folded.flatMap((f) => ofFolded(f, cuts))],
    file,
  );
}

const ofMatch = ({ twin, stored, order }: Match, cuts: readonly Cutting[]): readonly Cutting[] =>
  cuts
    .filter((c) => c.tensor === stored)
    .map(({ axis, remove }) => ({ tensor: twin, axis: order.indexOf(axis), remove }));

/** The normalisation loses what the layer loses that it was folded into. */
const ofFolded = (
  { tensors, weights, unitAxis }: FoldedInto,
  cuts: readonly Cutting[],
): readonly Cutting[] =>
  cuts
    .filter((c) => c.tensor === weights && c.axis === unitAxis)
    .flatMap(({ remove }) => tensors.map((tensor) => ({ tensor, axis: 0, remove })));

/** What stands for nothing in the model must not have to be cut. */
function checkLeft(
  tensors: ReadonlyMap<string, Tensor>,
  left: readonly string[],
  folded: readonly FoldedInto[],
  lengths: ReadonlySet<number>,
  file: string,
): void {
  const known = new Set(folded.flatMap((f) => f.tensors));
  for (const name of left) {
    const { shape, dtype } = tensors.get(name)!;
    if (known.has(name) || !isFloat(dtype) || size(shape) <= 1) continue;
    const axis = shape.findIndex((length) => lengths.has(length));
    if (axis >= 0)
      fail(
        "cannot-prune",
        `it may have to lose units (axis ${axis} is as long as one that is cut), but it is not clear which tensor of the model it is: neither its name nor its numbers are there`,
        file,
        `tensor ${name}`,
      );
  }
}

/** What the model loses, the twin must have. */
function checkCuts(
  structure: Structure,
  cuts: readonly Cutting[],
  matched: readonly Match[],
  folded: readonly FoldedInto[],
  file: string,
): void {
  const has = new Set([...matched.map((m) => m.stored), ...folded.map((f) => f.bias)]);
  const missing = cuts.find(
    ({ tensor }) => !has.has(tensor) && isFloat(tensorOf(structure, tensor).dtype),
  );
  if (missing !== undefined)
    fail(
      "cannot-prune",
      `the model loses units of ${missing.tensor}, and no tensor here is that one by its name or its numbers; name the weights that the model was exported from`,
      file,
    );
}

function merged(cuts: readonly Cutting[], file: string): readonly Cutting[] {
  const all = new Map<string, Cutting>();
  for (const cut of cuts) {
    const key = `${cut.axis} ${cut.tensor}`;
    const before = all.get(key);
    if (before !== undefined && String(before.remove) !== String(cut.remove))
      fail(
        "cannot-prune",
        "it stands for two tensors of the model, which lose different units",
        file,
        `tensor ${cut.tensor}`,
      );
    all.set(key, cut);
  }
  return [...all.values()];
}
