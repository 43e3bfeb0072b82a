import type { Change, OperatorDiff } from "#protocol/views/diff.ts";
import { typeOf } from "../explain/layers.ts";
import { constantOf, isConstant, type Node, nodesOf } from "../ir/graph.ts";
import { known, size } from "../ir/tensor.ts";
import { attributes, showTensor } from "./attributes.ts";
import { changesBetween } from "./facts.ts";
import type { Side } from "./side.ts";

export interface NodePair {
  readonly before: Node;
  readonly after: Node;
}

/** Operators that are computed in a run and belong to no layer. */
export function operatorsOf({ graph, layers }: Side): readonly Node[] {
  const owned = new Set(
    layers.flatMap(({ layer: l }) => (l === undefined ? [] : [l.node, ...l.after])),
  );
  return nodesOf(graph).filter(
    (node) => typeof node.operator !== "string" && !isConstant(node.outputs[0]) && !owned.has(node),
  );
}

/** Those of the same name and type, then in order by type. */
export function matchOperators(a: readonly Node[], b: readonly Node[]): readonly NodePair[] {
  const byName = named(a);
  const pairs: NodePair[] = [];
  for (const [key, after] of named(b)) {
    const before = byName.get(key);
    if (before !== undefined) pairs.push({ before, after });
  }
  const taken = new Set(pairs.flatMap((p) => [p.before, p.after]));
  const [x, y] = [a, b].map((nodes) => nodes.filter((n) => !taken.has(n)));
  return [...pairs, ...inOrder(x, y)];
}

function named(nodes: readonly Node[]): ReadonlyMap<string, Node> {
  const found = new Map<string, Node>();
  for (const node of nodes) {
    // Several nodes can stand for one of the file.
    let key = `${typeOf(node)} ${node.name}`;
    while (found.has(key)) key += " again";
    found.set(key, node);
  }
  return found;
}

/** Beyond this many comparisons nodes without a name in common are not matched. */
const MOST = 2e7;

/** The longest common sequence of types. */
function inOrder(a: readonly Node[], b: readonly Node[]): readonly NodePair[] {
  const [m, n] = [a.length, b.length];
  if (m * n > MOST) return [];
  const best = Array.from({ length: m + 1 }, () => new Int32Array(n + 1));
  const same = (i: number, j: number) => typeOf(a[i]) === typeOf(b[j]);
  for (let i = m - 1; i >= 0; i--)
    for (let j = n - 1; j >= 0; j--)
      best[i][j] = same(i, j) ? best[i + 1][j + 1] + 1 : Math.max(best[i + 1][j], best[i][j + 1]);
  const pairs: NodePair[] = [];
  for (let i = 0, j = 0; i < m && j < n; )
    if (same(i, j)) pairs.push({ before: a[i++], after: b[j++] });
    else if (best[i + 1][j] >= best[i][j + 1]) i++;
    else j++;
  return pairs;
}

/** What is gone, new or has other attributes. */
export function operatorDiffs(
  a: readonly Node[],
  b: readonly Node[],
  pairs: readonly NodePair[],
  reads: (pair: NodePair) => readonly Change[],
): readonly OperatorDiff[] {
  const before = new Map(pairs.map((p) => [p.before, p]));
  const after = new Set(pairs.map((p) => p.after));
  const told = (node: Node) => ({ operator: typeOf(node), name: node.name });
  return [
    ...a.flatMap((node): OperatorDiff[] => {
      const pair = before.get(node);
      if (pair === undefined) return [{ kind: "removed", ...told(node) }];
      const changes = [...nodeChanges(pair), ...reads(pair)];
      return changes.length === 0 ? [] : [{ kind: "changed", ...told(node), changes }];
    }),
    ...b.flatMap((node): OperatorDiff[] =>
      after.has(node) ? [] : [{ kind: "added", ...told(node) }],
    ),
  ];
}

export const nodeChanges = ({ before, after }: NodePair): readonly Change[] =>
  changesBetween(settingsOf(before), settingsOf(after));

/** Attributes, and constant inputs that are settings rather than parameters. */
export function settingsOf(node: Node): ReadonlyMap<string, string> {
  const found = new Map(attributes(typeOf(node), node.attrs));
  node.inputs.forEach((value, i) => {
    const tensor = constantOf(value);
    if (tensor !== undefined && isSetting(value!.node)) found.set(`input ${i}`, showTensor(tensor));
  });
  return found;
}

/** A target shape, a bound, a factor: what is no tensor that is trained. */
export const isSetting = ({ name, outputs: [value] }: Node): boolean =>
  name === "" || value.dtype === "int64" || size(known(value.shape)) === 1;
