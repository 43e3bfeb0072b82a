import type { Change } from "#protocol/views/diff.ts";
import { isConstant, isInput, type Node, type Value } from "../ir/graph.ts";
import type { LayerPair } from "./layers.ts";
import type { NodePair } from "./operators.ts";
import type { Side, SideLayer } from "./side.ts";

/**
 * What reads what: of each layer and operator that both models have, the nearest ones before it that both
 * have, or the model's inputs. What only one of them has in between is told by itself.
 */
export class Wiring {
  readonly #places: readonly [ReadonlyMap<Node, Place>, ReadonlyMap<Node, Place>];

  constructor(a: Side, b: Side, layers: readonly LayerPair[], operators: readonly NodePair[]) {
    this.#places = [
      placesOf(
        a,
        layers.map((p) => p.before),
        operators.map((p) => p.before),
      ),
      placesOf(
        b,
        layers.map((p) => p.after),
        operators.map((p) => p.after),
      ),
    ];
  }

  layers(a: SideLayer, b: SideLayer): readonly Change[] {
    if (a.layer === undefined || b.layer === undefined) return [];
    const [x, y] = [a.layer, b.layer].map((l) => [l.node, ...l.after]);
    return this.#change("reads", inputsOf(x), inputsOf(y));
  }

  operators({ before, after }: NodePair): readonly Change[] {
    return this.#change("reads", inputsOf([before]), inputsOf([after]));
  }

  outputs(a: Side, b: Side): readonly Change[] {
    if (a.graph.inputs.length === 0 || b.graph.inputs.length === 0) return [];
    const count = Math.min(a.graph.outputs.length, b.graph.outputs.length);
    return Array.from({ length: count }, (_, i) =>
      this.#change(`output ${i + 1} reads`, [a.graph.outputs[i]], [b.graph.outputs[i]]),
    ).flat();
  }

  #change(what: string, a: readonly Value[], b: readonly Value[]): readonly Change[] {
    const [x, y] = [sourcesOf(a, this.#places[0]), sourcesOf(b, this.#places[1])];
    if (String(x.map((s) => s.key)) === String(y.map((s) => s.key))) return [];
    const names = (sources: readonly Place[]) => sources.map((s) => s.name).join(", ");
    return [{ what, before: names(x), after: names(y) }];
  }
}

/** What stands for a node: the same key in both models. */
interface Place {
  readonly key: string;
  readonly name: string;
}

function placesOf(
  { layers, graph }: Side,
  matched: readonly number[],
  operators: readonly Node[],
): ReadonlyMap<Node, Place> {
  const places = new Map<Node, Place>();
  graph.inputs.forEach(({ node }, i) => {
    places.set(node, { key: `input ${i}`, name: node.name });
  });
  matched.forEach((index, k) => {
    const { layer, name } = layers[index];
    for (const node of layer === undefined ? [] : [layer.node, ...layer.after])
      places.set(node, { key: `layer ${k}`, name });
  });
  operators.forEach((node, k) => {
    places.set(node, { key: `operator ${k}`, name: node.name });
  });
  return places;
}

/** What the nodes read that none of them makes and that is computed. */
function inputsOf(nodes: readonly Node[]): readonly Value[] {
  const own = new Set(nodes);
  return nodes.flatMap((node) =>
    node.inputs.filter((v): v is Value => v !== undefined && !isConstant(v) && !own.has(v.node)),
  );
}

function sourcesOf(values: readonly Value[], places: ReadonlyMap<Node, Place>): readonly Place[] {
  const found = new Map<string, Place>();
  const seen = new Set<Node>();
  const open = values.map((v) => v.node).reverse();
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    const place = places.get(node);
    if (place !== undefined) found.set(place.key, place);
    else if (!node.outputs.some(isInput))
      open.push(
        ...inputsOf([node])
          .map((v) => v.node)
          .reverse(),
      );
  }
  return [...found.values()];
}
