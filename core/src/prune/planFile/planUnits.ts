import { constantOf, type Graph } from "../../ir/graph.ts";
import { fail } from "../../problem.ts";
import { Closure } from "../coupling/closure.ts";
import { Structure, unitAxis } from "../coupling/structure.ts";
import type { UnitSet } from "../plan.ts";
import { moduleTensors } from "../twin/names.ts";
import type { PlanFile, PlannedCut, PlannedUnits } from "./planFile.ts";

export interface PlanUnits {
  readonly units: readonly UnitSet[];
  /** The plan was made for another file; names and sizes of the layers are the same. */
  readonly other: boolean;
  /** Tensors that the model does not have: normalisations that were folded into the layers before them. */
  readonly folded: readonly string[];
}

/** The model that a plan is applied to. */
export interface PlanTarget {
  readonly graph: Graph;
  /** Of the model file, as `PlannedModel.sha256`. */
  readonly sha256: string;
}

/**
 * The units that a plan names, or those whose tensors it names. `units` decide where they are given: a
 * plan fits every model (and format) with these layers. Throws ProblemError where it does not fit.
 * @param file the plan's, for problems
 */
export function unitsOfPlan(target: PlanTarget, plan: PlanFile, file: string): PlanUnits {
  const structure = Structure.of(target.graph);
  const units = plan.units ?? [];
  const cuts = plan.tensors ?? [];
  const differences =
    units.length > 0 ? layerDifferences(structure, units) : shapeDifferences(structure, cuts);
  const other = plan.model?.sha256 !== undefined && plan.model.sha256 !== target.sha256;
  const name = plan.model?.name === undefined ? "" : ` (${plan.model.name})`;
  if (differences.length > 0)
    fail(
      "cannot-prune",
      `the plan is for another model${name}: ${some(differences)}; make the plan of this model`,
      file,
    );
  const sized =
    units.length > 0 ? units.every((u) => u.of !== undefined) : cuts.every((c) => c.shape);
  if (other && !sized)
    fail(
      "cannot-prune",
      `the plan is for another revision of the model${name}, and does not say the sizes of its layers ("of", "shape") by which it could be seen to fit`,
      file,
    );
  const found = units.length > 0 ? { units, folded: [] } : unitsOfCuts(structure, cuts, file);
  const asked = found.units.filter((u) => u.units.length > 0);
  if (asked.length === 0) fail("cannot-prune", "the plan removes nothing", file);
  return {
    units: asked.map(({ layer, units: own }) => ({ layer, units: own })),
    other,
    folded: found.folded,
  };
}

function layerDifferences(
  { layers }: Structure,
  units: readonly PlannedUnits[],
): readonly string[] {
  return units.flatMap(({ layer: name, units: own, of }) => {
    const layer = layers.get(name);
    if (layer === undefined) return [`there is no layer ${name}`];
    if (of !== undefined && of !== layer.units)
      return [`${name} has ${layer.units} units, in the plan ${of}`];
    const last = own.at(-1) ?? 0;
    return last < layer.units
      ? []
      : [`${name} has no unit ${last}: its units are 0 to ${layer.units - 1}`];
  });
}

function shapeDifferences(structure: Structure, cuts: readonly PlannedCut[]): readonly string[] {
  const names = moduleTensors(structure.graph);
  return cuts.flatMap(({ tensor, axis, remove, shape }) => {
    const stored = names.get(tensor);
    if (stored === undefined) return [];
    const [value] = structure.stored.get(stored.tensor)!;
    const own = stored.order.map((a) => Number(value.shape[a]));
    if (shape !== undefined && String(shape) !== String(own))
      return [`${tensor} is [${own.join(", ")}], in the plan [${shape.join(", ")}]`];
    if (axis >= own.length) return [`${tensor} has no axis ${axis}: it is [${own.join(", ")}]`];
    const last = remove.at(-1) ?? 0;
    return last < own[axis]
      ? []
      : [`axis ${axis} of ${tensor} has no index ${last}: its length is ${own[axis]}`];
  });
}

/** The units that go with indices of stored tensors. */
function unitsOfCuts(
  structure: Structure,
  cuts: readonly PlannedCut[],
  file: string,
): Pick<PlanUnits, "units" | "folded"> {
  const names = moduleTensors(structure.graph);
  const closure = new Closure(structure);
  const statistics = normalisations(cuts);
  const missing: string[] = [];
  for (const { tensor, axis, remove } of cuts) {
    const stored = names.get(tensor);
    if (stored === undefined) {
      if (!statistics.has(moduleOfTensor(tensor)))
        fail("cannot-prune", "there is no such tensor in the model", file, `tensor ${tensor}`);
      missing.push(tensor);
      continue;
    }
    const [value] = structure.stored.get(stored.tensor)!;
    const own = stored.order[axis];
    const gone = new Set(closure.gone(value, own));
    const fresh = remove.filter((i) => !gone.has(i));
    if (fresh.length === 0) continue;
    const before = count(structure, closure);
    const refusal = closure.remove(value, own, fresh);
    if (refusal !== undefined)
      fail("cannot-prune", `${refusal.because} (${refusal.at})`, file, `tensor ${tensor}`);
    if (count(structure, closure) === before)
      fail("cannot-prune", "no layer's units go with these indices", file, `tensor ${tensor}`);
  }
  return { units: unitsIn(structure, closure), folded: missing };
}

function unitsIn(structure: Structure, closure: Closure): readonly UnitSet[] {
  const units = new Map<string, readonly number[]>();
  for (const { value, axis } of closure.removals()) {
    const layer = structure.layerOf.get(value);
    if (layer === undefined || axis !== unitAxis(layer) || constantOf(value) !== undefined)
      continue;
    units.set(layer.name, closure.gone(value, axis));
  }
  return [...units]
    .map(([layer, own]) => ({ layer, units: own }))
    .sort((a, b) => structure.rank(a.layer) - structure.rank(b.layer));
}

const count = (structure: Structure, closure: Closure): number =>
  unitsIn(structure, closure).reduce((n, { units }) => n + units.length, 0);

/** Modules with running statistics: exporters fold them away. */
const normalisations = (cuts: readonly PlannedCut[]): ReadonlySet<string> =>
  new Set(
    cuts
      .filter(({ tensor }) => /(^|\.)running_(mean|var)$/.test(tensor))
      .map(({ tensor }) => moduleOfTensor(tensor)),
  );

const moduleOfTensor = (tensor: string): string => tensor.replace(/(^|\.)[^.]*$/, "");

const MOST_NAMED = 5;

const some = (texts: readonly string[]): string =>
  texts.length <= MOST_NAMED
    ? texts.join("; ")
    : `${texts.slice(0, MOST_NAMED).join("; ")} and ${texts.length - MOST_NAMED} more`;
