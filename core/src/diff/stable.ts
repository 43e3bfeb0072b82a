import { typeOf } from "../explain/layers.ts";
import type { Model } from "../formats/model.ts";
import { constantOf } from "../ir/graph.ts";
import { showType } from "../ir/tensor.ts";
import { count } from "../report/numbers.ts";
import { attributes } from "./attributes.ts";
import { fingerprint } from "./hash.ts";
import { operatorsOf, settingsOf } from "./operators.ts";
import { blockAt, type Rows, readBy } from "./rows.ts";
import { type SideLayer, sideOf } from "./side.ts";
import { tensorsOf } from "./tensors.ts";

/**
 * A text of a model (with its weights in memory) for tools that compare lines, such as git's textconv:
 * without the file's name, and units by fingerprints instead of numbers, so that the lines of units that
 * stay are the same when others go.
 */
export function stableListing(model: Model): string {
  const side = sideOf(model);
  const { facts, graph } = model;
  const ends = (what: string, values: typeof graph.inputs) =>
    values.map((v) => `${what} ${model.names.get(v) ?? v.node.name}  ${showType(v)}`);
  return [
    `format ${facts.dialect}`,
    ...(facts.producer === "" ? [] : [`producer ${facts.producer}`]),
    ...(facts.docString === "" ? [] : [`description ${JSON.stringify(facts.docString)}`]),
    ...[...facts.metadata].map(([key, value]) => `metadata ${key}  ${JSON.stringify(value)}`),
    `parameters ${count(model.parameters)}`,
    ...ends("input", graph.inputs),
    ...(graph.inputs.length === 0 ? [] : ends("output", graph.outputs)),
    ...side.layers.flatMap(layerLines),
    "",
    ...operatorsOf(side).map((node) => `${typeOf(node)} ${node.name}${shown(settingsOf(node))}`),
    ...[...tensorsOf(side)].map(
      ([name, tensor]) => `tensor ${name}  ${showType(tensor)}  ${fingerprint(tensor.data)}`,
    ),
    "",
  ].join("\n");
}

function layerLines(layer: SideLayer): readonly string[] {
  const { name, summary, units } = layer;
  const node = layer.layer?.node;
  const settings = node === undefined ? "" : shown(attributes(typeOf(node), node.attrs));
  const own = ownPrints(layer);
  return [
    "",
    `layer ${name}  ${summary}${settings}`,
    `  weights ${weightsPrint(layer)}`,
    ...Array.from({ length: units }, (_, unit) => `  unit ${own[unit]}`),
  ];
}

const shown = (settings: ReadonlyMap<string, string>): string =>
  [...settings].map(([key, value]) => `  ${key}=${value}`).join("");

/** Shows that weights changed also where the units' own lines do not. */
const weightsPrint = ({ stored }: SideLayer): string =>
  [...stored]
    .flatMap((v) => constantOf(v) ?? [])
    .map(({ shape, data }) => `${shape.join("x")} ${fingerprint(data)}`)
    .join("  ");

/**
 * A unit's bias and normalisation, which stay when what it reads goes, where they tell units apart; else its
 * largest weight too.
 */
function ownPrints({ own, rows, units }: SideLayer): readonly string[] {
  const numbers = Array.from({ length: units }, (_, unit) =>
    [...own.values()].flatMap(({ values, count: each }) =>
      Array.from({ length: each }, (__, k) => values[unit * each + k]),
    ),
  );
  const prints = numbers.map((n) => fingerprint(n));
  if (new Set(prints).size === units || rows === undefined) return prints;
  return numbers.map((n, unit) => fingerprint([...n, largest(rows, unit)]));
}

function largest(rows: Rows, unit: number): number {
  let found = 0;
  const [from, to] = readBy(rows, unit);
  for (let input = from; input < to; input++)
    for (let t = 0, at = blockAt(rows, unit, input); t < rows.taps; t++, at += rows.step.tap)
      if (Math.abs(rows.data[at]) > Math.abs(found)) found = rows.data[at];
  return found;
}
