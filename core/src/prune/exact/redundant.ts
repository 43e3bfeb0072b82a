import type { Redundancy, RedundancyObstacle, RedundantUnit } from "#protocol/views/redundancy.ts";
import { defined } from "../../defined.ts";
import type { Layer } from "../../explain/layers.ts";
import type { Graph, Value } from "../../ir/graph.ts";
import { masksOf } from "../changes.ts";
import { Closure } from "../coupling/closure.ts";
import { type UnitGroup, unitGroups } from "../coupling/groups.ts";
import { Structure, unitAxis } from "../coupling/structure.ts";
import { type ExactOptions, obstacles } from "./compensate.ts";
import type { Lanes } from "./lanes.ts";
import { Signals } from "./signals.ts";
import { unreadIndices } from "./unread.ts";

/** Every unit of a graph that the weights show to be redundant; they are loaded. No data are needed. */
export function redundancy(graph: Graph, options: ExactOptions): Redundancy {
  const structure = Structure.of(graph);
  const signals = new Signals(structure);
  const unread = unreadIndices(structure, signals);
  const kinds = new Map<string, LayerKinds>();
  for (const layer of structure.layers.values()) {
    const lanes = signals.of(layer.activation);
    if (layer.output || lanes?.axis !== layer.axis) continue;
    kinds.set(layer.name, new LayerKinds(layer, lanes, unread.get(layer.activation)));
  }
  const candidates = [...kinds].filter(([, k]) => k.any).map(([name]) => name);
  const groups = unitGroups(graph, candidates).groups.filter((group) =>
    group.members.some(({ layer, units }) => units.some((u) => kinds.get(layer)?.goes(u))),
  );
  const { going, obstacle } = together(structure, signals, groups, kinds, options);
  const gone = new Map<string, Set<number>>();
  for (const { members } of going)
    for (const { layer, units } of members)
      gone.set(layer, new Set([...(gone.get(layer) ?? []), ...units]));
  const layers = [...kinds].flatMap(([name, own]) => {
    const removed = gone.get(name) ?? new Set();
    const redundant = own.told(removed, obstacle.get(name) ?? new Map());
    return redundant.length === 0 ? [] : [{ name, units: own.units, redundant }];
  });
  return { layers };
}

type Kind = RedundantUnit["kind"];

/** What the units of one layer are. */
class LayerKinds {
  readonly units: number;
  readonly #lanes: Lanes;
  readonly #unread: Uint8Array | undefined;
  /** By class of equal signals, the first unit that is read. */
  readonly #first = new Map<number, number>();

  constructor({ units }: Layer, lanes: Lanes, unread: Uint8Array | undefined) {
    this.units = units;
    this.#lanes = lanes;
    this.#unread = unread;
    for (let u = 0; u < units; u++)
      if (unread?.[u] !== 1 && !this.#first.has(lanes.same[u])) this.#first.set(lanes.same[u], u);
  }

  get any(): boolean {
    return Array.from({ length: this.units }, (_, u) => u).some((u) => this.goes(u));
  }

  kindOf(unit: number): Kind | undefined {
    const constant = this.#lanes.constant[unit];
    if (constant === 0) return "dead";
    if (!Number.isNaN(constant)) return "constant";
    if (this.#unread?.[unit] === 1) return "unread";
    return this.#first.get(this.#lanes.same[unit]) === unit ? undefined : "duplicate";
  }

  goes = (unit: number): boolean => this.kindOf(unit) !== undefined;

  classOf(unit: number): number {
    return this.#lanes.same[unit];
  }

  /** Those that go, and those that could but for an obstacle. */
  told(
    removed: ReadonlySet<number>,
    obstacle: ReadonlyMap<number, RedundancyObstacle>,
  ): readonly RedundantUnit[] {
    const survivors = new Map<number, number>();
    for (let u = 0; u < this.units; u++)
      if (!removed.has(u) && !survivors.has(this.classOf(u))) survivors.set(this.classOf(u), u);
    return Array.from({ length: this.units }, (_, u) => u).flatMap((unit): RedundantUnit[] => {
      const kind = this.kindOf(unit);
      const why = obstacle.get(unit);
      if (kind === undefined || (!removed.has(unit) && why === undefined)) return [];
      const of = kind === "duplicate" ? survivors.get(this.classOf(unit)) : undefined;
      return [
        {
          unit,
          kind,
          ...defined({ of }),
          ...(kind === "constant" ? { value: this.#lanes.constant[unit] } : {}),
          ...(why === undefined || removed.has(unit) ? {} : { obstacle: why }),
        },
      ];
    });
  }
}

interface Together {
  readonly going: ReadonlySet<UnitGroup>;
  readonly obstacle: ReadonlyMap<string, ReadonlyMap<number, RedundancyObstacle>>;
}

/** The groups that can go together; of equal constants one stays where they cannot all go. */
function together(
  structure: Structure,
  signals: Signals,
  groups: readonly UnitGroup[],
  kinds: ReadonlyMap<string, LayerKinds>,
  options: ExactOptions,
): Together {
  const going = new Set(groups);
  const owners = ownersOf(structure, groups);
  const obstacle = new Map<string, Map<number, RedundancyObstacle>>();
  const spared = new Set<string>();
  for (;;) {
    const closure = closureOf(structure, [...going]);
    const stuck = new Map<UnitGroup, RedundancyObstacle | "other">();
    const masks = masksOf(structure, closure);
    for (const { value, axis, index, because } of obstacles(
      structure,
      signals,
      closure,
      masks,
      options,
    )) {
      const owner = owners.get(value)?.get(`${axis} ${index}`);
      if (owner !== undefined && (stuck.get(owner) ?? "other") === "other")
        stuck.set(owner, because);
    }
    if (stuck.size === 0)
      for (const group of emptying(structure, closure, going)) stuck.set(group, "other");
    if (stuck.size === 0) return { going, obstacle };
    const now = new Set<string>();
    for (const [group, because] of stuck) {
      const of = classOf(group, kinds);
      // The first of a class stays by itself; then the others can perhaps be put together with it.
      if (now.has(of)) continue;
      if (!spared.has(of)) now.add(of);
      going.delete(group);
      if (because !== "other") note(obstacle, group, because);
    }
    for (const of of now) spared.add(of);
  }
}

const classOf = ({ members }: UnitGroup, kinds: ReadonlyMap<string, LayerKinds>): string => {
  const [{ layer, units }] = members;
  return `${layer} ${kinds.get(layer)?.classOf(units[0])}`;
};

function note(
  obstacle: Map<string, Map<number, RedundancyObstacle>>,
  { members }: UnitGroup,
  because: RedundancyObstacle,
): void {
  for (const { layer, units } of members) {
    const own = obstacle.get(layer) ?? new Map<number, RedundancyObstacle>();
    for (const u of units) own.set(u, because);
    obstacle.set(layer, own);
  }
}

function closureOf(structure: Structure, groups: readonly UnitGroup[]): Closure {
  const closure = new Closure(structure);
  const units = new Map<string, number[]>();
  for (const { members } of groups)
    for (const m of members) units.set(m.layer, [...(units.get(m.layer) ?? []), ...m.units]);
  for (const [name, own] of units) {
    const layer = structure.layers.get(name)!;
    closure.remove(layer.node.outputs[0], unitAxis(layer), own);
  }
  return closure;
}

/** Which group an index of a value goes with. */
function ownersOf(
  structure: Structure,
  groups: readonly UnitGroup[],
): ReadonlyMap<Value, ReadonlyMap<string, UnitGroup>> {
  const owners = new Map<Value, Map<string, UnitGroup>>();
  for (const group of groups)
    for (const { value, axis, indices } of closureOf(structure, [group]).removals()) {
      const own = owners.get(value) ?? new Map<string, UnitGroup>();
      for (const i of indices) own.set(`${axis} ${i}`, group);
      owners.set(value, own);
    }
  return owners;
}

/** Groups without which a layer would have no units: one of each such layer. */
function emptying(
  { layers }: Structure,
  closure: Closure,
  going: ReadonlySet<UnitGroup>,
): readonly UnitGroup[] {
  return [...layers.values()].flatMap((layer) => {
    const gone = closure.gone(layer.node.outputs[0], unitAxis(layer));
    if (gone.length === 0 || gone.length < layer.units) return [];
    const group = [...going].find((g) => g.members.some((m) => m.layer === layer.name));
    return group === undefined ? [] : [group];
  });
}
