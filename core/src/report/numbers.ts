/** How numbers read in listings and messages. Independent of the machine's locale, so text is reproducible. */

/**
 * One format for a column of numbers, so that they compare by eye: fixed digits with the largest at
 * `significant` digits, more where a smaller number needs them to differ from 0, "<0.00001" where that
 * would take over seven decimals; exponents where even the largest would.
 */
export function columnFormat(
  values: readonly number[],
  significant = 4,
): (value: number) => string {
  let largest = 0;
  let smallest = Number.POSITIVE_INFINITY;
  for (const value of values) {
    const size = Math.abs(value);
    if (size === 0 || !Number.isFinite(size)) continue;
    largest = Math.max(largest, size);
    smallest = Math.min(smallest, size);
  }
  if (largest === 0) return (value) => value.toFixed(significant);
  const enough = Math.max(0, significant - 1 - Math.floor(Math.log10(largest)));
  if (enough > MOST_DECIMALS || largest >= 1e9)
    return (value) => value.toExponential(significant - 1);
  const needed = Math.max(enough, -Math.floor(Math.log10(smallest)));
  if (needed <= MOST_DECIMALS) return (value) => value.toFixed(needed);
  return (value) => (value >= 0 ? share(value, enough) : value.toFixed(enough));
}

const MOST_DECIMALS = 7;

/** A share from 0 to 1 with fixed decimals; "<0.01" for what would otherwise look like nothing. */
export function share(value: number, decimals: number): string {
  const least = 10 ** -decimals;
  return value > 0 && value < least / 2 ? `<${least.toFixed(decimals)}` : value.toFixed(decimals);
}

/** "1,199,882" */
export function count(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** "11.3 M" */
export function large(value: number): string {
  const step = Math.min(Math.floor(Math.log10(Math.max(value, 1)) / 3), PREFIXES.length - 1);
  if (step === 0) return String(value);
  const text = (value / 1000 ** step).toPrecision(3);
  return text.includes("e") && step < PREFIXES.length - 1
    ? `1.00 ${PREFIXES[step + 1]}`
    : `${Number(text) >= 100 ? Number(text) : text} ${PREFIXES[step]}`;
}

const PREFIXES = ["", "K", "M", "G", "T", "P"];

/** "2 %"; small shares keep one digit: "0.03 %". */
export function percent(value: number): string {
  const hundredths = value * 100;
  if (hundredths === 0 || hundredths >= 0.95) return `${Math.round(hundredths)} %`;
  return hundredths < 0.0095 ? "under 0.01 %" : `${Number(hundredths.toPrecision(1))} %`;
}
