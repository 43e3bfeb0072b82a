import type { Finding, FindingCode } from "#protocol/views/finding.ts";
import type { Importance } from "#protocol/views/importance.ts";
import type { ModelView } from "#protocol/views/model.ts";
import type { Redundancy, RedundantUnit } from "#protocol/views/redundancy.ts";
import { type FindingLevels, USUAL_LEVELS } from "./findings.ts";
import { type ReportMessages, reportMessages } from "./messages.ts";
import { ranks } from "./ranks.ts";

/** What the weights alone show of the units of a model, in layer and unit order. */
export function redundantFindings(
  model: ModelView,
  redundancy: Redundancy,
  importance: Importance | undefined,
  options: { readonly levels?: FindingLevels | undefined; readonly locale?: string | undefined },
): readonly Finding[] {
  const levels = { ...USUAL_LEVELS, ...options.levels };
  const texts = reportMessages(options.locale);
  const found = new Map(redundancy.layers.map((l) => [l.name, l]));
  return model.layers.flatMap(({ name, units }) => {
    const own = found.get(name);
    if (own === undefined || own.units !== units) return [];
    const known = importance?.layers.find((l) => l.name === name && l.units === units);
    const rank = known && ranks(known.importance);
    return own.redundant.flatMap((unit): Finding[] => {
      const code = codeOf(unit);
      const level = levels[code];
      if (level === "off") return [];
      return [
        {
          code,
          level,
          layer: name,
          unit: unit.unit,
          message: messageOf(unit, texts),
          rank: rank?.[unit.unit] ?? 0,
          ...(unit.obstacle === undefined ? { exact: true as const } : {}),
          ...(unit.of === undefined ? {} : { of: unit.of }),
        },
      ];
    });
  });
}

/** One finding for each unit: what the weights show holds for all data. */
export function together(
  exact: readonly Finding[],
  onData: readonly Finding[],
): readonly Finding[] {
  const shown = new Set(exact.map((f) => `${f.unit} ${f.layer}`));
  return [...exact, ...onData.filter((f) => !shown.has(`${f.unit} ${f.layer}`))];
}

const codeOf = ({ kind }: RedundantUnit): FindingCode =>
  kind === "duplicate" ? "duplicate-unit" : kind === "constant" ? "constant-unit" : "dead-unit";

function messageOf(unit: RedundantUnit, texts: ReportMessages): string {
  const { kind, of, value = 0, obstacle } = unit;
  const what =
    kind === "duplicate" && of !== undefined
      ? texts.duplicateUnit(of)
      : kind === "unread"
        ? texts.unreadUnit()
        : texts.constantUnit(String(Number(value.toPrecision(6))));
  return `${what}; ${obstacle === undefined ? texts.exact() : texts.obstacle[obstacle]}`;
}
