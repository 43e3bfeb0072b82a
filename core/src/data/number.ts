const decimal = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?$/i;

/** The finite float32 number a field spells, else undefined (empty, "nan", "1,5", "1e99"). */
export function numberIn(field: string): number | undefined {
  const text = field.trim();
  if (!decimal.test(text)) return undefined;
  const value = Number(text);
  return Number.isFinite(Math.fround(value)) ? value : undefined;
}
