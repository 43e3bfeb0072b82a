import type { LayerView } from "#protocol/views/model.ts";
import type { Coupling } from "./coupling.ts";
import type { ListingMessages } from "./messages.ts";
import { name, plain } from "./names.ts";

/** What a layer's heading says where all its units go with those of the same numbers elsewhere. */
export function coupledComment(
  layer: string,
  coupling: Coupling,
  texts: ListingMessages,
): readonly string[] {
  const others = coupling.companions(layer);
  const shown = others.slice(0, MOST_COMPANIONS).map(plain);
  return others.length === 0 ? [] : [texts.coupled(shown, others.length - shown.length)];
}

/** The column "with conv2/0,4-6": what goes along with each unit; empty where the heading says it, or nothing does. */
export function coupledCells(layer: LayerView, coupling: Coupling): readonly string[] {
  if (!coupling.isMixed(layer.name)) return [];
  return Array.from({ length: layer.units }, (_, unit) => {
    const others = coupledUnits(layer.name, unit, coupling, MOST_LAYERS);
    return others.length === 0 ? "" : ["with", ...others.map(name)].join(" ");
  });
}

/** What goes along with a unit: "conv2/3", "q/0,4"; "…" for what is more than so many layers. */
export function coupledUnits(
  layer: string,
  unit: number,
  coupling: Coupling,
  most: number,
): readonly string[] {
  const others = coupling.group(layer, unit).flatMap(({ layer: member, units }) => {
    const rest = member === layer ? units.filter((u) => u !== unit) : units;
    return rest.length === 0 ? [] : [`${member}/${runs(rest)}`];
  });
  return others.length > most ? [...others.slice(0, most), "…"] : others;
}

/** Ascending numbers in short: "0,4-6"; the first runs of many. */
export function runs(units: readonly number[]): string {
  const found: string[] = [];
  for (let i = 0; i < units.length; ) {
    let last = i;
    while (units[last + 1] === units[last] + 1) last++;
    const [from, to] = [units[i], units[last]];
    if (to > from + 1) found.push(`${from}-${to}`);
    else found.push(...(to > from ? [`${from}`, `${to}`] : [`${from}`]));
    i = last + 1;
  }
  return found.length > MOST_RUNS ? [...found.slice(0, MOST_RUNS), "…"].join() : found.join();
}

const MOST_COMPANIONS = 4;
const MOST_LAYERS = 4;
const MOST_RUNS = 6;
