import type { LayerImportance } from "#protocol/views/importance.ts";

/** Units whose importance is below a share of the layer's largest, in unit order; one always stays. */
export function unitsBelow({ importance }: LayerImportance, share: number): number[] {
  const largest = Math.max(...importance);
  return importance.flatMap((value, u) => (value < share * largest ? [u] : []));
}

/** The `count` least important units (ties: the later one first), in unit order. */
export function unitsLowest({ importance }: LayerImportance, count: number): number[] {
  const order = importance.map((_, u) => u).sort((a, b) => importance[a] - importance[b] || b - a);
  return order.slice(0, count).sort((a, b) => a - b);
}
