/** How the evidence for each class divides among a layer's units. */
export interface Shares {
  /** Per unit: mean over classes of |contribution[c][u]| / Σ_u' |contribution[c][u']|; sums to 1. */
  readonly contribution: readonly number[];
  /** Per unit: the classes it stands out in, strongest first. */
  readonly classes: readonly (readonly number[])[];
}

/** Undefined without contributions (data without labels). */
export function shares(
  contribution: readonly (readonly number[])[],
  units: number,
): Shares | undefined {
  const totals = contribution.map((row) => row.reduce((sum, value) => sum + Math.abs(value), 0));
  const used = totals.flatMap((total, c) =>
    contribution[c].length === units && total > 0 && Number.isFinite(total) ? [c] : [],
  );
  if (used.length === 0) return undefined;
  const mean = new Array<number>(units).fill(0);
  const classes: number[][] = [];
  for (let unit = 0; unit < units; unit++) {
    const strong: { c: number; part: number }[] = [];
    for (const c of used) {
      const part = Math.abs(contribution[c][unit]) / totals[c];
      mean[unit] += part / used.length;
      if (part >= STANDS_OUT / units && part > 0) strong.push({ c, part });
    }
    strong.sort((a, b) => b.part - a.part || a.c - b.c);
    classes.push(strong.slice(0, MOST_CLASSES).map(({ c }) => c));
  }
  return { contribution: mean, classes };
}

/** Times the share that a unit would have if all contributed alike. */
const STANDS_OUT = 2;
const MOST_CLASSES = 4;
