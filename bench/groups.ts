import { spawnSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { median } from "#core/median.ts";
import { type UnitGroup, unitGroups } from "#core/prune/coupling/groups.ts";
import { planPrune } from "#core/prune/plan.ts";
import { unitsOf } from "#core/prune/ranking/rank.ts";
import { openModel } from "#server/files/openModel.ts";
import { findPython, INSTALL } from "./peer.ts";
import type { Bench, Result, Row } from "./row.ts";

/** As in peer/groups_models.py. */
const MODELS = ["resnet18", "resnet50", "densenet121", "mobilenet_v2", "mobilenet_v3_small", "vit"];
/** That of the performance target. */
const TIMED = "resnet50";
const FOLDER = join(tmpdir(), "kaibo-bench-groups");

type Units = readonly (readonly [string, number])[];

/** What a script of peer/ found: see there. */
interface Found {
  readonly groups: readonly Units[];
  readonly fixed?: Readonly<Record<string, string>>;
  readonly seconds?: number;
  readonly version?: string;
  readonly graph?: number;
  readonly prune?: number;
}

interface Compared {
  readonly model: string;
  readonly by: string;
  readonly groups: number;
  readonly equal: number;
  readonly oursOnly: readonly string[];
  readonly theirsOnly: readonly string[];
  readonly ours: number;
  readonly theirs: number | undefined;
}

/**
 * P9: the groups of coupled units of known networks, and the time to plan with them. Compared with
 * Torch-Pruning where it is installed, and with what perturbing the module in PyTorch tells.
 */
export const groupsRow: Row = {
  id: "P9",
  async measure(bench) {
    const base = {
      id: "P9",
      work: "prune planning of ResNet-50: all groups, and a plan of a tenth of them",
      target: { most: 200, unit: "ms" },
      aim: { most: 50, unit: "ms" },
    } as const;
    const python = findPython();
    if (python === undefined)
      return { ...base, status: "skipped", note: `${INSTALL}; with onnx and torchvision, too` };
    await mkdir(FOLDER, { recursive: true });
    const compared: Compared[] = [];
    for (const model of MODELS) compared.push(...(await compare(bench, python, model)));
    const mine = compared.find((c) => c.model === TIMED);
    if (mine === undefined)
      return { ...base, status: "skipped", note: "torchvision is not installed: pip install it" };
    const peer = compared.find((c) => c.model === TIMED && c.theirs !== undefined)?.theirs;
    const table = join(import.meta.dirname, "results/groups.json");
    await writeFile(table, `${JSON.stringify(compared, undefined, 2)}\n`);
    const different = compared.filter((c) => c.oursOnly.length + c.theirsOnly.length > 0);
    const wrong = different.some((c) => c.by === PERTURBATION);
    return {
      ...base,
      status: wrong ? "failed" : "measured",
      ours: `${mine.ours.toFixed(0)} ms`,
      ...(peer === undefined ? {} : { peer: `${peer.toFixed(0)} ms` }),
      value: Math.round(mine.ours),
      note: `groups equal in ${compared.length - different.length} of ${compared.length} comparisons: bench/results/groups.json`,
      details: { compared },
    } satisfies Result;
  },
};

async function compare(bench: Bench, python: string, model: string): Promise<readonly Compared[]> {
  const found = new Map<string, Found>();
  const perturbed = await run(python, "groups_by_perturbation.py", "perturbed", [], model);
  if (perturbed === undefined) return [];
  found.set(PERTURBATION, perturbed);
  const pruning = [String(bench.threads)];
  const theirs = await run(python, "torch_pruning_groups.py", "torch_pruning", pruning, model);
  if (theirs !== undefined) found.set(`torch-pruning ${theirs.version}`, theirs);
  const { groups, milliseconds } = await ours(join(FOLDER, `${model}.onnx`), bench.runs);
  return [...found].map(([by, other]) => {
    const [own, its] = [keysOf(groups.map(unitsIn)), keysOf(other.groups)];
    const oursOnly = [...own].filter((k) => !its.has(k));
    const theirsOnly = [...its].filter((k) => !own.has(k));
    const equal = own.size - oursOnly.length;
    const { graph, prune } = other;
    const time = graph === undefined || prune === undefined ? undefined : 1000 * (graph + prune);
    bench.log(
      `  ${model}, ${by}: ${equal} equal, ${oursOnly.length} only ours, ${theirsOnly.length} only theirs; ${milliseconds.toFixed(0)} ms`,
    );
    return {
      model,
      by,
      groups: own.size,
      equal,
      oursOnly: oursOnly.slice(0, MOST_SHOWN),
      theirsOnly: theirsOnly.slice(0, MOST_SHOWN),
      ours: milliseconds,
      theirs: time,
    };
  });
}

const PERTURBATION = "perturbation";
const MOST_SHOWN = 20;

/** Runs a script of peer/ for a model; undefined where what it imports is missing. Results are kept. */
async function run(
  python: string,
  script: string,
  kind: string,
  more: readonly string[],
  model: string,
): Promise<Found | undefined> {
  const result = join(FOLDER, `${model}.${kind}.json`);
  if (!existsSync(result)) {
    const path = join(import.meta.dirname, "peer", script);
    const { status, stderr } = spawnSync(python, [path, FOLDER, ...more, model], {
      encoding: "utf8",
    });
    if (/ModuleNotFoundError/.test(stderr)) return undefined;
    if (status !== 0) throw new Error(`${script} ${model}: ${stderr}`);
  }
  return JSON.parse(await readFile(result, "utf8")) as Found;
}

/** All groups, and the median time to find them and to plan; each run on a graph read anew. */
async function ours(path: string, runs: number) {
  const times: number[] = [];
  let groups: readonly UnitGroup[] = [];
  for (let i = 0; i <= runs; i++) {
    const opened = await openModel(path);
    const { graph } = opened.model!;
    const started = performance.now();
    ({ groups } = unitGroups(graph));
    const tenth = groups.filter((_, k) => k % 10 === 0);
    const planned = planPrune(graph, unitsOf(tenth));
    // The first run warms up.
    if (i > 0) times.push(performance.now() - started);
    await opened.close();
    if ("refusal" in planned) throw new Error(`${path}: ${planned.refusal.because}`);
  }
  return { groups, milliseconds: median(times) };
}

const unitsIn = ({ members }: UnitGroup): Units =>
  members.flatMap(({ layer, units }) => units.map((u) => [layer, u] as const));

const keysOf = (groups: readonly Units[]): ReadonlySet<string> =>
  new Set(
    groups.map((units) =>
      units
        .map(([layer, unit]) => `${layer} ${unit}`)
        .sort()
        .join(", "),
    ),
  );
