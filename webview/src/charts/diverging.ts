/** Blue – white – red: the sign of a number is its hue, its size the depth. */
const STOPS = [
  [33, 102, 172],
  [103, 169, 207],
  [247, 247, 247],
  [239, 138, 98],
  [178, 24, 43],
] as const;

export const NEGATIVE = "#4393c3";
export const POSITIVE = "#d6604d";

/** Colours that differ: one path draws all cells of one, so a picture fits into a hover. */
const STEPS = 16;

/** Step from −16 to 16 of a value in [−1, 1]. */
export function step(value: number): number {
  return Math.round(Math.max(-1, Math.min(1, value)) * STEPS);
}

export function colour(step: number): string {
  const place = ((step + STEPS) / (2 * STEPS)) * (STOPS.length - 1);
  const at = Math.min(Math.floor(place), STOPS.length - 2);
  const mix = STOPS[at]!.map((from, i) =>
    Math.round(from + (STOPS[at + 1]![i]! - from) * (place - at)),
  );
  return `#${mix.map((channel) => channel.toString(16).padStart(2, "0")).join("")}`;
}
