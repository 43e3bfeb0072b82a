import { basename } from "node:path";
import { defined } from "#core/defined.ts";
import { type CheckedEdit, checkEditOfAny } from "#core/listing/check.ts";
import type { ListingDocument } from "#core/listing/document.ts";
import { writeListing } from "#core/listing/write.ts";
import { describe, fail, type Problem, ProblemError } from "#core/problem.ts";
import { type FindingLevels, findings } from "#core/report/findings.ts";
import { redundantFindings, together } from "#core/report/redundant.ts";
import type { Finding } from "#protocol/views/finding.ts";
import type { Importance } from "#protocol/views/importance.ts";
import type { ModelView } from "#protocol/views/model.ts";
import type { Redundancy } from "#protocol/views/redundancy.ts";
import { hashFile } from "../files/replaceFile.ts";
import { revisionOf } from "../files/revision.ts";
import { stampOf } from "../files/stampOf.ts";
import { inspectFiles } from "../operations/inspect.ts";
import { findConfig, type ModelConfig, type Suppression } from "./kaiboJson.ts";

/** What is known of a model file, as it was when it was read. */
export interface ModelFile {
  readonly path: string;
  /** Hash of the bytes. */
  readonly revision: string;
  /** Modification time and size, by which a change is noticed. */
  readonly stamp: string;
  readonly mtime: number;
  /** Structure, or a view without layers whose problems say why. */
  readonly view: ModelView;
  readonly config?: ModelConfig;
  /** What the weights alone show; absent until it was looked for. */
  readonly redundancy?: Redundancy;
  readonly problem?: Problem;
}

/** A model file with its results, as the listing shows it. */
export interface Snapshot extends ModelFile {
  readonly importance?: Importance;
  readonly findings: readonly Finding[];
  /** Share of the layer's largest importance below which units are low. */
  readonly lowImportance: number;
  readonly document: ListingDocument;
  /** What open editors may still show of this revision: an edit is checked against the text it began from. */
  readonly earlier: readonly ListingDocument[];
  /** Why the results could not be computed. */
  readonly failure?: Problem;
}

/** Reads a model file. Rejects with ProblemError, only when there is no such file. */
export async function readModelFile(path: string): Promise<ModelFile> {
  const { stamp, mtime, hash } = await bytesOf(path);
  const { config, problem: wrong } = await findConfig(path);
  const rest = {
    ...defined({ config, problem: wrong }),
  };
  try {
    const { view, beside } = await inspectFiles(path);
    return { path, revision: await revisionOf(hash, beside), stamp, mtime, view, ...rest };
  } catch (error) {
    if (!(error instanceof ProblemError)) throw error;
    return {
      path,
      revision: hash,
      stamp,
      mtime,
      view: unreadable(path, error.problem),
      ...rest,
      problem: error.problem,
    };
  }
}

async function bytesOf(
  path: string,
): Promise<Pick<ModelFile, "stamp" | "mtime"> & { readonly hash: string }> {
  try {
    return { ...(await stampOf(path)), hash: await hashFile(path) };
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === "ENOENT" || code === "ENOTDIR")
      return fail("unreadable-model", "there is no such file; check the path", path);
    if (code === "EISDIR") return fail("unreadable-model", "it is a folder, not a file", path);
    return fail("unreadable-model", `cannot be opened: ${message}`, path);
  }
}

const unreadable = (path: string, problem: Problem): ModelView => ({
  name: basename(path),
  format: "unreadable",
  parameters: 0,
  inputs: [],
  outputs: [],
  layers: [],
  problems: [describe(problem)],
});

export interface ShowOptions {
  readonly locale: string;
  readonly lowImportance: number;
  readonly levels: FindingLevels;
}

/** Puts a model file and its results into words. */
export function show(
  file: ModelFile,
  importance: Importance | undefined,
  options: ShowOptions,
  earlier: readonly ListingDocument[] = [],
): Snapshot {
  const { view, config } = file;
  const lowImportance = config?.lowImportance ?? options.lowImportance;
  const { levels, locale } = options;
  const shown =
    importance === undefined ? undefined : { ...importance, data: basename(importance.data) };
  const onData =
    shown === undefined ? [] : findings(view, shown, { lowImportance, levels, locale });
  const exact =
    file.redundancy === undefined
      ? []
      : redundantFindings(view, file.redundancy, shown, { levels, locale });
  const all = together(exact, onData);
  const said =
    file.problem === undefined || view.problems.includes(describe(file.problem))
      ? view
      : { ...view, problems: [...view.problems, describe(file.problem)] };
  const document = writeListing(said, shown, {
    locale,
    lowImportance,
    levels,
    ...(config?.classes === undefined ? {} : { classes: config.classes }),
    ...(shown === undefined && config?.data !== undefined
      ? { data: { name: basename(config.data.data) } }
      : {}),
  });
  return {
    ...file,
    view: said,
    ...defined({ importance: shown }),
    lowImportance,
    findings: all.filter((f) => !(config?.suppress ?? []).some((s) => suppresses(s, f))),
    document,
    earlier,
  };
}

/**
 * The edit that a text makes: read against whichever version of the listing it began from, last the one
 * without data or results that `kaibo list` prints.
 */
export function editOf(
  { view, document, earlier }: Snapshot,
  text: string,
  locale: string,
): CheckedEdit {
  return checkEditOfAny(view, originals(), text, locale);

  function* originals(): Iterable<ListingDocument> {
    yield document;
    yield* earlier;
    const plain = plainListings.get(view) ?? writeListing(view);
    plainListings.set(view, plain);
    yield plain;
  }
}

const plainListings = new WeakMap<ModelView, ListingDocument>();

const suppresses = ({ finding, layer, units }: Suppression, f: Finding): boolean =>
  finding === f.code &&
  (layer === undefined || layer === f.layer) &&
  (units === undefined || units.includes(f.unit));
