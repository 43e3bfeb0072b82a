import { fail } from "#core/problem.ts";
import type { Settings } from "#protocol/requests.ts";
import type { PruneCost } from "#protocol/views/cost.ts";
import { costMessages } from "../handlers/costMessages.ts";
import { isSlower } from "../operations/latency.ts";
import type { PruneRequest } from "../operations/prune.ts";
import type { Host } from "./host.ts";

/**
 * Asks the user about a prune that is measured and not yet written; undefined where nothing is asked.
 * @param model its path
 * @param guard loss of accuracy up to which nobody is asked
 */
export function acceptance(
  host: Host,
  { confirmPrune }: Settings,
  model: string,
  guard: number,
): PruneRequest["accept"] {
  if (confirmPrune === "never") return undefined;
  const texts = costMessages(host.locale);
  return async (cost) => {
    const worse = [
      ...(loses(cost, guard) ? [texts.lessAccurate(guard)] : []),
      ...(cost.latency !== undefined && isSlower(cost.latency) ? [texts.slower] : []),
    ];
    if (worse.length === 0 && confirmPrune !== "always") return;
    const message = texts.question(cost, worse);
    const detail = texts.facts(cost).join("\n");
    if (!(await host.confirm({ message, detail, accept: texts.accept })))
      fail("cancelled", texts.declined, model);
  };
}

/** Shares of whole samples: a thousandth of a point is rounding. */
const loses = ({ accuracy }: PruneCost, guard: number): boolean =>
  accuracy !== undefined && accuracy.before - accuracy.after > guard + 1e-9;
