/** Rank of each unit, 1 for the largest; equal values rank in unit order, numbers that are none last. */
export function ranks(values: readonly number[]): readonly number[] {
  const size = (unit: number) =>
    Number.isNaN(values[unit]) ? Number.NEGATIVE_INFINITY : values[unit];
  const order = values
    .map((_, unit) => unit)
    .sort((a, b) => (size(a) === size(b) ? a - b : size(b) - size(a)));
  const rank = new Array<number>(values.length);
  order.forEach((unit, place) => {
    rank[unit] = place + 1;
  });
  return rank;
}
