import type { Finding, FindingCode, FindingLevel } from "#protocol/views/finding.ts";
import type { Importance, LayerImportance } from "#protocol/views/importance.ts";
import type { LayerView, ModelView } from "#protocol/views/model.ts";
import { reportMessages } from "./messages.ts";
import { columnFormat, count, percent } from "./numbers.ts";
import { ranks } from "./ranks.ts";

export type FindingLevels = Readonly<Partial<Record<FindingCode, FindingLevel>>>;

export interface FindingOptions {
  /** Share of the layer's largest importance below which a unit is reported. */
  readonly lowImportance: number;
  /** Absent rules have their usual level. */
  readonly levels?: FindingLevels | undefined;
  readonly locale?: string | undefined;
}

export const USUAL_LEVELS: Readonly<Record<FindingCode, FindingLevel>> = {
  "low-importance": "hint",
  "dead-unit": "warning",
  "duplicate-unit": "warning",
  "constant-unit": "warning",
};

/** What stands out about the units of a model, in layer and unit order; nothing about its outputs. */
export function findings(
  model: ModelView,
  importance: Importance,
  options: FindingOptions,
): readonly Finding[] {
  const byName = new Map(importance.layers.map((layer) => [layer.name, layer]));
  return model.layers.flatMap((layer) => {
    const known = byName.get(layer.name);
    return layer.output || known === undefined || known.output || known.units !== layer.units
      ? []
      : ofLayer(layer, known, importance, options);
  });
}

function ofLayer(
  layer: LayerView,
  known: LayerImportance,
  all: Importance,
  options: FindingOptions,
): Finding[] {
  const levels = { ...USUAL_LEVELS, ...options.levels };
  const texts = reportMessages(options.locale);
  const rank = ranks(known.importance);
  const largest = known.importance.filter(Number.isFinite).reduce((a, b) => Math.max(a, b), 0);
  const format = columnFormat(known.importance);
  const onData = all.data !== "" && all.samples > 0;
  return known.importance.flatMap((value, unit) => {
    const found = (code: FindingCode, message: string): Finding[] => {
      const level = levels[code];
      return level === "off"
        ? []
        : [{ code, level, layer: layer.name, unit, message, rank: rank[unit] }];
    };
    const dead = onData && known.active[unit] === 0 && levels["dead-unit"] !== "off";
    if (dead) return found("dead-unit", texts.deadUnit(count(all.samples)));
    if (known.index === "activation" || !(value < options.lowImportance * largest)) return [];
    const part = percent(value / largest);
    return found(
      "low-importance",
      texts.lowImportance(rank[unit], layer.units, layer.name, format(value), part),
    );
  });
}
