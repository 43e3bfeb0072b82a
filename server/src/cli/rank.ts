import { parts } from "#core/prune/ranking/select.ts";
import type { RankedGroup, UnitRanking } from "#protocol/views/ranking.ts";
import { layerWidths } from "../operations/rank.ts";
import type { Command } from "./command.ts";
import {
  computeFlags,
  computeHelp,
  count,
  dataFlags,
  dataHelp,
  dataSpec,
  modelPath,
} from "./flags.ts";
import { ranked, rankFlags, rankHelp } from "./selection.ts";

export const rank: Command = {
  name: "rank",
  usage: "MODEL [--data DATA] [--criterion C]",
  about:
    "ranks the groups of units that can only be pruned together, those that matter least first",
  flags: { ...dataFlags, ...computeFlags, ...rankFlags, top: { type: "string" } },
  help: [
    ...rankHelp,
    ["--top N", "groups shown per ranking (default: 10)"],
    ...dataHelp,
    ...computeHelp,
  ],
  async run(args, terminal) {
    const model = modelPath(args);
    const ranking = await ranked(args, model, dataSpec(args), terminal);
    const order = [...(await layerWidths(model)).keys()];
    const text = show(ranking, order, count(args, "top") ?? SHOWN);
    return { json: { model, ...ranking }, text };
  },
};

const SHOWN = 10;

/** @param order of the layers in the graph */
function show(ranking: UnitRanking, order: readonly string[], top: number): string {
  const title = ({ members }: RankedGroup) =>
    ranking.scope === "global" ? "all layers" : members[0]!.layer;
  const place = ([group]: readonly RankedGroup[]) => order.indexOf(group!.members[0]!.layer);
  const rankings = parts(ranking).toSorted((a, b) => place(a) - place(b));
  const tables = rankings.map((groups) => {
    const rows = groups.slice(0, top).map(row);
    const more = groups.length > top ? [`  … (${groups.length - top} more)`] : [];
    const head = `${title(groups[0]!)}  ${groups.length} groups by ${ranking.criterion}, lowest first`;
    return `${[head, ...rows, ...more].join("\n")}\n`;
  });
  const fixed = ranking.fixed.map((f) => `${f.layer}  stays: ${f.because}\n`);
  return [...tables, ...(fixed.length > 0 ? [fixed.join("")] : [])].join("\n");
}

const row = ({ score, members }: RankedGroup): string =>
  `  ${score.toPrecision(4).padStart(10)}  ${members.map((m) => `${m.layer}/${m.units.join(",")}`).join(" + ")}`;
