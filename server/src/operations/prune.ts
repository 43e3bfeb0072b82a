import { dirname, resolve } from "node:path";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { fail } from "#core/problem.ts";
import type { ExactOptions } from "#core/prune/exact/compensate.ts";
import type { UnitSet } from "#core/prune/plan.ts";
import type { PruneReport } from "#protocol/requests.ts";
import type { PruneCost } from "#protocol/views/cost.ts";
import type { Control, Pool } from "../compute/pool.ts";
import {
  type Comparison,
  type ComparisonInfo,
  comparisonTask,
} from "../compute/tasks/comparison.ts";
import { openModel } from "../files/openModel.ts";
import { hashFile, replaceFile, withFiles } from "../files/replaceFile.ts";
import { revisionOf } from "../files/revision.ts";
import type { Engine } from "../runtime/engines.ts";
import { speedOf } from "./cost.ts";
import { type Cut, cutUnits } from "./cut.ts";
import { compensation } from "./redundancy.ts";
import { type TwinRequest, withTwin } from "./twin.ts";

export interface PruneRequest {
  readonly model: string;
  readonly units: readonly UnitSet[];
  /** Hash that the model must still have when the smaller one takes its place. */
  readonly revision?: string;
  /** Where the smaller model goes; may be `model` itself. */
  readonly output: string;
  /** For accuracy and for the check; without it the check runs on random inputs. */
  readonly data?: DataSpec;
  readonly engine?: Engine;
  /** Tensors under the names of a state_dict that lose the same units. */
  readonly twin?: TwinRequest;
  /** Called when everything is measured and nothing is in place yet; when it rejects, nothing is written. */
  readonly accept?: (cost: PruneCost) => Promise<void>;
}

/** Largest |pruned − masked| that is rounding, as a share of the largest |output| (or of 1). */
const TOLERANCE = 1e-4;

/**
 * Removes units from a model file: plans, makes up for what is redundant, edits the original bytes into a
 * temporary file, runs that against the original with the other units masked, and renames it into place. Rejects with ProblemError and leaves
 * everything as it was when any of that fails.
 */
export async function prune(
  pool: Pool,
  request: PruneRequest,
  control: Control = {},
): Promise<Omit<PruneReport, "undo">> {
  const { model: path, output, units } = request;
  const opened = await openModel(path);
  try {
    // A twin is cut alone: nobody knows how its weights would have to change.
    const made =
      request.twin === undefined ? await compensation(pool, path, units, control) : undefined;
    const cut = await cutUnits(opened, path, units, made?.writings);
    const written = cut.others.filter((o) => !(o.unchanged && sameFolder(path, output)));
    const beside = opened.files().slice(1);
    const work = () =>
      withFiles(dirname(resolve(output)), written, () =>
        write(pool, { ...request, exact: made?.exact }, cut, beside, control),
      );
    if (request.twin === undefined) return { model: output, ...(await work()) };
    const { graph } = opened.model!;
    const both = await withTwin(graph, cut.plan.edits, request.twin, output, work);
    return { model: output, ...both.written, twin: both.twin };
  } finally {
    await opened.close();
  }
}

const sameFolder = (a: string, b: string): boolean => dirname(resolve(a)) === dirname(resolve(b));

type Report = Omit<PruneReport, "undo" | "model">;

/** Writes the file; it is in place only after it ran and did what the masked original does. */
async function write(
  pool: Pool,
  request: PruneRequest & { readonly exact: ExactOptions | undefined },
  cut: Cut,
  beside: readonly string[],
  control: Control,
): Promise<Report> {
  const { model, revision, output, data, engine = "onnxruntime", accept } = request;
  const { removed } = cut.plan;
  let report: Report | undefined;
  await replaceFile(output, cut.file.pieces(), async (temporary) => {
    const given = {
      ...defined({ data }),
      ...(request.exact === undefined ? {} : { exact: request.exact }),
    };
    const params = { model, pruned: temporary, removed, engine, ...given };
    const { partial, info } = await pool.run(comparisonTask, params, control);
    const { maskedDifference: difference, largest } = partial;
    if (!(difference <= TOLERANCE * Math.max(1, largest)))
      fail(
        "cannot-write",
        `the pruned model differs from the masked one by ${difference}; nothing was written`,
        output,
      );
    report = reportOf(cut, { ...partial, ...info });
    if (accept !== undefined) {
      report = { ...report, ...(await speedOf(pool, { model, removed, engine }, control)) };
      await accept(report);
    }
    if (revision !== undefined && (await revisionOf(await hashFile(model), beside)) !== revision)
      fail("cannot-write", "the model file changed meanwhile; nothing was written", model);
  });
  return report!;
}

function reportOf(
  { plan: { removed }, sizes }: Cut,
  { labelled, correctBefore, correctAfter, maskedDifference, engine }: Comparison & ComparisonInfo,
): Report {
  const accuracy = { before: correctBefore / labelled, after: correctAfter / labelled };
  return { removed, ...(labelled > 0 ? { accuracy } : {}), ...sizes, engine, maskedDifference };
}
