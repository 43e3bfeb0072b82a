import { readFile, stat } from "node:fs/promises";
import { basename } from "node:path";
import { fail } from "#core/problem.ts";
import type { UnitSet } from "#core/prune/plan.ts";
import { planFileOf, planText } from "#core/prune/planFile/planContent.ts";
import { decodePlan, LARGEST_PLAN, type PlanFile } from "#core/prune/planFile/planFile.ts";
import { type PlanUnits, unitsOfPlan } from "#core/prune/planFile/planUnits.ts";
import { openModel } from "../files/openModel.ts";
import { hashFile, replaceFile } from "../files/replaceFile.ts";
import { JsonError, parseJson } from "../workspace/parseJson.ts";
import { cutUnits, type Sizes } from "./cut.ts";
import { openTwin } from "./twin.ts";

/** Reads a plan; rejects with ProblemError that names the place in it. */
export async function readPlanFile(path: string): Promise<PlanFile> {
  let text: string;
  try {
    const { size } = await stat(path);
    if (size > LARGEST_PLAN)
      return fail(
        "bad-request",
        `a plan of ${size} bytes is too large (${LARGEST_PLAN} at most)`,
        path,
      );
    text = await readFile(path, "utf8");
  } catch (error) {
    if (!(error instanceof Error && "syscall" in error)) throw error;
    return fail("bad-request", `the plan cannot be read: ${error.message.split(", ")[0]}`, path);
  }
  try {
    return decodePlan(parseJson(text), path);
  } catch (error) {
    if (!(error instanceof JsonError)) throw error;
    return fail("bad-request", `it is not valid JSON: ${error.message}`, path, error.place);
  }
}

/** The units of a model that a plan file names. Rejects with ProblemError where it does not fit. */
export async function unitsOfPlanFile(model: string, path: string): Promise<PlanUnits> {
  const plan = await readPlanFile(path);
  const opened = await openModel(model);
  try {
    if (opened.model === undefined)
      return fail("cannot-prune", opened.problems[0]?.message ?? "it holds no graph", model);
    const target = { graph: opened.model.graph, sha256: await hashFile(model) };
    return unitsOfPlan(target, plan, path);
  } finally {
    await opened.close();
  }
}

export interface PlanRequest {
  readonly model: string;
  readonly units: readonly UnitSet[];
  /** Tensors under the names of a state_dict: the plan names those instead of the model's. */
  readonly twin?: string;
}

export interface MadePlan {
  readonly plan: PlanFile;
  readonly cost: Sizes;
}

/** What a prune would do, as data; nothing is written. Rejects with ProblemError where the units cannot go. */
export async function makePlan({ model: path, units, twin }: PlanRequest): Promise<MadePlan> {
  const opened = await openModel(path);
  try {
    const { plan, sizes: cost } = await cutUnits(opened, path, units);
    const { graph } = opened.model!;
    const of = { name: basename(path), sha256: await hashFile(path) };
    if (twin === undefined) return { plan: planFileOf(graph, of, plan), cost };
    const other = await openTwin(graph, plan.edits, twin);
    try {
      return { plan: planFileOf(graph, of, plan, other), cost };
    } finally {
      await other.close();
    }
  } finally {
    await opened.close();
  }
}

/** Writes a plan as a whole or not at all. */
export const writePlanFile = (path: string, plan: PlanFile): Promise<void> =>
  replaceFile(path, [new TextEncoder().encode(planText(plan))], async (temporary) => {
    await readPlanFile(temporary);
  });
