/** "3, 5-9" */
export function unitList(units: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const unit of units) {
    const last = runs.at(-1);
    if (last !== undefined && unit === last[1] + 1) last[1] = unit;
    else runs.push([unit, unit]);
  }
  return runs.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(", ");
}

/** Two digits: "1.2 %", "0.0034 %". */
export const percent = (share: number): string => `${Number((100 * share).toPrecision(2))} %`;
