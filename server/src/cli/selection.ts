import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { fail } from "#core/problem.ts";
import type { UnitSet } from "#core/prune/plan.ts";
import { unitsOf } from "#core/prune/ranking/rank.ts";
import { parts, roundKept, type Selection, select } from "#core/prune/ranking/select.ts";
import { CRITERIA, type RankedGroup, type UnitRanking } from "#protocol/views/ranking.ts";
import { unitsOfPlanFile } from "../operations/planFile.ts";
import { layerWidths, rankUnits } from "../operations/rank.ts";
import { redundantUnits } from "../operations/redundancy.ts";
import { ENGINES } from "../runtime/engines.ts";
import type { Arguments, Flags, Terminal } from "./command.ts";
import { count, list, number, oneOf, text } from "./flags.ts";
import { guarded, guardOf, scopeOfGuard } from "./guard.ts";
import { cliPool } from "./pool.ts";

/** Flags by which units are ranked. */
export const rankFlags = {
  layer: { type: "string", multiple: true },
  criterion: { type: "string" },
  scope: { type: "string" },
  index: { type: "string" },
  seed: { type: "string" },
} satisfies Flags;

export const rankHelp = [
  ["--layer LAYER", "units of this layer; may be repeated (default: all layers)"],
  [
    `--criterion ${CRITERIA.join("|")}`,
    "what ranks the units (default: importance; weight-norm, bn-scale and random need no data, taylor labels)",
  ],
  ["--scope layer|global", "each layer by itself, or all together (default: layer)"],
  [
    "--index sigma|gate|scaled",
    "what importance ranks by (default: gate for filters, scaled for dense units)",
  ],
  ["--seed N", "of the random order and of probes (default: 1)"],
] as const;

/** Flags by which units are chosen. */
export const selectionFlags = {
  ...rankFlags,
  unit: { type: "string", multiple: true },
  below: { type: "string" },
  count: { type: "string" },
  amount: { type: "string" },
  guard: { type: "string" },
  round: { type: "string" },
  plan: { type: "string" },
  exact: { type: "boolean" },
} satisfies Flags;

export const selectionHelp = [
  ["--unit LAYER/U", "a unit, e.g. conv1/7; may be repeated"],
  ["--plan FILE", "the units of a plan, as kaibo plan writes it"],
  ["--exact", "units without which the outputs are the same: duplicates, constants, dead ones"],
  ["--below S", "units that score below the share S of the largest score"],
  ["--count N", "the N units that score lowest"],
  ["--amount S", "the share S of the units that scores lowest; 5 % of each layer stay"],
  [
    "--guard D",
    "as many of the units that score lowest as keep accuracy within D (0.005: half a point)",
  ],
  ["--round 8|16", "fewer, so that layers that lose units are left with multiples"],
  ...rankHelp,
] as const;

/** The units that the flags name, or choose by rank, with all that is coupled with them. */
export async function selection(
  args: Arguments,
  model: string,
  data: DataSpec | undefined,
  terminal: Terminal,
): Promise<readonly UnitSet[]> {
  const named = list(args, "unit");
  const plan = text(args, "plan");
  const way = chosen(args);
  const drop = guardOf(args);
  const exact = args.values.exact === true;
  const others = [named.length > 0, plan !== undefined, drop !== undefined, exact];
  const ways = others.filter(Boolean).length + way.length;
  if (ways !== 1)
    return fail(
      "bad-request",
      "choose units by one of --unit, --plan, --exact, --below, --count, --amount, --guard",
      "",
    );
  const multiple = oneOf(args, "round", ["8", "16"]);
  if (multiple !== undefined && way[0] === undefined && drop === undefined)
    return fail("bad-request", "--round goes with --below, --count, --amount or --guard", "");
  if (plan !== undefined) return ofPlan(model, plan, terminal);
  if (exact) {
    const { signal, progress } = terminal;
    return redundantUnits(cliPool(count(args, "processes")), model, { signal, progress });
  }
  if (way[0] === undefined && drop === undefined) return named.map(unit);
  const ranking = await ranked(args, model, data, terminal);
  const groups =
    way[0] === undefined
      ? await guarded(args, { model, data, ranking, drop: drop! }, terminal)
      : selected(args, model, ranking, way[0]);
  const widths = await layerWidths(model);
  const left = multiple === undefined ? groups : rounded(Number(multiple), model, groups, widths);
  return inOrder(unitsOf(left), widths);
}

async function ofPlan(
  model: string,
  plan: string,
  terminal: Terminal,
): Promise<readonly UnitSet[]> {
  const { units, other, folded } = await unitsOfPlanFile(model, plan);
  const notes = [
    ...(other
      ? ["the plan was made for another file; its layers and their sizes are the same"]
      : []),
    ...(folded.length > 0
      ? [`the model has no ${folded.join(", ")}: folded into other layers`]
      : []),
  ];
  if (notes.length > 0) terminal.note(`note: ${notes.join("; ")}`);
  return units;
}

/** Ranks the units as the flags say. */
export async function ranked(
  args: Arguments,
  model: string,
  data: DataSpec | undefined,
  terminal: Terminal,
): Promise<UnitRanking> {
  const layers = list(args, "layer");
  const index = oneOf(args, "index", ["sigma", "gate", "scaled"]);
  const engine = oneOf(args, "engine", ENGINES);
  const seed = number(args, "seed", Number.isInteger, "a whole number");
  const batch = count(args, "batch");
  const ranking = await rankUnits(
    cliPool(count(args, "processes")),
    {
      model,
      criterion: oneOf(args, "criterion", CRITERIA) ?? "importance",
      scope: oneOf(args, "scope", ["layer", "global"]) ?? scopeOfGuard(args) ?? "layer",
      ...defined({ data }),
      ...(layers.length === 0 ? {} : { layers }),
      ...defined({ index, engine, seed, batch }),
    },
    { signal: terminal.signal, progress: terminal.progress },
  );
  const stuck = ranking.fixed.find((f) => layers.includes(f.layer));
  const refusal = stuck ?? (ranking.groups.length === 0 ? ranking.fixed[0] : undefined);
  if (refusal !== undefined) fail("cannot-prune", refusal.because, model, refusal.at);
  return ranking;
}

/** The ways of choosing by rank that the flags name. */
function chosen(args: Arguments): readonly Selection[] {
  const isShare = (n: number) => n >= 0 && n <= 1;
  const below = number(args, "below", isShare, "a share from 0 to 1");
  const lowest = count(args, "count");
  const share = number(args, "amount", isShare, "a share from 0 to 1");
  return [
    ...(below === undefined ? [] : [{ kind: "below", share: below } as const]),
    ...(lowest === undefined ? [] : [{ kind: "lowest", count: lowest } as const]),
    ...(share === undefined ? [] : [{ kind: "share", share } as const]),
  ];
}

function selected(
  args: Arguments,
  model: string,
  ranking: UnitRanking,
  way: Selection,
): readonly RankedGroup[] {
  const groups = select(ranking, way);
  const layers = list(args, "layer");
  const where = layers.length === 1 ? layers[0] : undefined;
  if (way.kind === "lowest") {
    // Asked of one layer or of all together, the number is meant.
    const exact = parts(ranking).length === 1;
    if (exact && groups.length < way.count) {
      const what = groups.length === 1 ? "unit" : "units";
      const message = `at least one unit must stay of each layer, and 5 %: ${groups.length} ${what} can go`;
      return fail("cannot-prune", message, model, where);
    }
  }
  if (groups.length > 0) return groups;
  const why =
    way.kind === "below"
      ? `no unit is below ${way.share} of the largest ${ranking.criterion}`
      : "so small a share is not one unit; choose more";
  return fail("cannot-prune", why, model, where);
}

function rounded(
  multiple: number,
  model: string,
  groups: readonly RankedGroup[],
  widths: ReadonlyMap<string, number>,
): readonly RankedGroup[] {
  const left = roundKept(groups, widths, multiple);
  if (left.length > 0) return left;
  const why = `no layer can be left with a multiple of ${multiple} that way; choose more units`;
  return fail("cannot-prune", why, model);
}

/** In the order of the graph. */
function inOrder(
  units: readonly UnitSet[],
  widths: ReadonlyMap<string, number>,
): readonly UnitSet[] {
  const order = [...widths.keys()];
  return units.toSorted((a, b) => order.indexOf(a.layer) - order.indexOf(b.layer));
}

function unit(text: string): UnitSet {
  const slash = text.lastIndexOf("/");
  const number = Number(text.slice(slash + 1));
  if (slash <= 0 || !/^\d+$/.test(text.slice(slash + 1)))
    return fail("bad-request", `--unit ${text}: expected LAYER/UNIT, e.g. conv1/7`, "");
  return { layer: text.slice(0, slash), units: [number] };
}
