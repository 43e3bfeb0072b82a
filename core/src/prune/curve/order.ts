import type { RemovalOrder, RemovalPoint } from "#protocol/views/curve.ts";
import type { RankedGroup, UnitRanking } from "#protocol/views/ranking.ts";
import { random } from "../../random.ts";
import { least, Room } from "../ranking/room.ts";

/** The model's input where layers are named: its units are the elements of a sample, row-major. */
export const INPUTS = "";

/**
 * In which order groups go: all but those that would leave too few units of a layer (`LEAST_KEPT`), as
 * `select` passes over them. Elements of the input all go.
 * @param groups of whole layers, ascending by score
 * @param apart of the ranking: parts of which something stays, too
 */
export function removalOrder(
  groups: readonly RankedGroup[],
  order: RemovalOrder,
  seed = 1,
  apart: UnitRanking["apart"] = [],
): readonly RankedGroup[] {
  const kept = (units: number, layer: string) => (layer === INPUTS ? 0 : least(units));
  const room = new Room(groups, apart, kept);
  return arranged(groups, order, seed).filter((group) => room.take(group));
}

function arranged(
  groups: readonly RankedGroup[],
  order: RemovalOrder,
  seed: number,
): RankedGroup[] {
  const all = [...groups];
  if (order === "descending") return all.reverse();
  if (order === "random") {
    // Fisher and Yates.
    const { uniform } = random(seed);
    for (let i = all.length - 1; i > 0; i--) {
      const j = Math.floor(uniform() * (i + 1));
      [all[i], all[j]] = [all[j], all[i]];
    }
  }
  return all;
}

/** Numbers from 0 to `most`, both among them: every one, or `count` evenly spread. */
export function spread(most: number, count: number): readonly number[] {
  if (most < count) return Array.from({ length: most + 1 }, (_, k) => k);
  return Array.from({ length: count }, (_, i) => Math.round((i * most) / (count - 1)));
}

/** Mean accuracy over the share removed, by the trapezoidal rule; of a single point its accuracy. */
export function area(points: readonly RemovalPoint[]): number {
  const [first, last] = [points[0], points[points.length - 1]];
  const width = last.removed - first.removed;
  if (width === 0) return first.accuracy;
  let sum = 0;
  for (let i = 1; i < points.length; i++)
    sum +=
      ((points[i - 1].accuracy + points[i].accuracy) / 2) *
      (points[i].removed - points[i - 1].removed);
  return sum / width;
}
