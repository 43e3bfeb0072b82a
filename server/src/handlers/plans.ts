import { fail } from "#core/problem.ts";
import { planText } from "#core/prune/planFile/planContent.ts";
import type {
  ExportedPlan,
  ExportPlanParams,
  ImportedPlan,
  ImportPlanParams,
} from "#protocol/requests.ts";
import { makePlan, unitsOfPlanFile } from "../operations/planFile.ts";
import type { Context } from "./context.ts";
import { openListing } from "./open.ts";

/** What saving the listing would prune, as a plan. Rejects with ProblemError, as saving would. */
export async function exportPlan(
  context: Context,
  { uri }: ExportPlanParams,
): Promise<ExportedPlan> {
  const listing = await openListing(context, uri);
  if (listing === undefined) throw new Error(`no listing is open at ${uri}`);
  const { model, snapshot, edit } = listing;
  const [wrong] = edit.problems;
  if (wrong !== undefined)
    return fail("cannot-prune", wrong.message, snapshot.view.name, `line ${wrong.line + 1}`);
  if (edit.removed.length === 0) return {};
  const { plan, cost } = await makePlan({ model, units: edit.removed });
  return { text: planText({ ...plan, cost }) };
}

/** The units of a model that a plan removes, with those that are coupled. Rejects with ProblemError. */
export async function importPlan({ model, plan: path }: ImportPlanParams): Promise<ImportedPlan> {
  const { units, other } = await unitsOfPlanFile(model, path);
  const { plan } = await makePlan({ model, units });
  return { units: plan.units ?? [], other };
}
