/** How many random cases a fuzz test tries: `n`, or KAIBO_FUZZ times as many in a long run (`npm run fuzz`). */
export const runs = (n: number): number => n * Number(process.env.KAIBO_FUZZ ?? 1);
