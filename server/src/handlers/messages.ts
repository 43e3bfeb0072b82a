import type { ImportanceIndex } from "#protocol/views/importance.ts";

interface HoverMessages {
  readonly noResults: string;
  readonly kernel: string;
  readonly contributionAlt: string;
  readonly index: Readonly<Record<ImportanceIndex, string>>;
  importance(value: string, rank: number, units: number, part: string): string;
  active(share: string, samples: string): string;
  contribution(share: string): string;
  fixed(because: string): string;
}

interface ActionMessages {
  pruneUnit(unit: number, layer: string): string;
  pruneUnits(count: number, layer: string): string;
  pruneLow(count: number, layer: string): string;
  readonly restore: string;
}

const hoverEn: HoverMessages = {
  noResults: "no results yet",
  kernel: "weights",
  contributionAlt: "contribution per class",
  index: {
    gate: "Σ over outputs of σ(∂y/∂gate)",
    sigma: "Σ over outputs of σ(∂y/∂a)",
    scaled: "std(a) · Σ over outputs of σ(∂y/∂a)",
  },
  importance: (value, rank, units, part) =>
    `importance **${value}**, rank ${rank} of ${units} (${part} of the largest)`,
  active: (share, samples) => `active on ${share} of ${samples} samples and their positions`,
  contribution: (share) => `contribution **${share}** of the layer, per class:`,
  fixed: (because) => `cannot be pruned: ${because}`,
};

const hoverJa: HoverMessages = {
  noResults: "まだ結果がありません",
  kernel: "重み",
  contributionAlt: "クラスごとの貢献度",
  index: {
    gate: "σ(∂y/∂ゲート) の出力についての和",
    sigma: "σ(∂y/∂a) の出力についての和",
    scaled: "std(a) · σ(∂y/∂a) の出力についての和",
  },
  importance: (value, rank, units, part) =>
    `重要度 **${value}**、${units} 中 ${rank} 位（最大の ${part}）`,
  active: (share, samples) => `${samples} サンプルとその位置の ${share} で活性`,
  contribution: (share) => `貢献度は層の **${share}**、クラスごと:`,
  fixed: (because) => `枝刈りできません: ${because}`,
};

const actionsEn: ActionMessages = {
  pruneUnit: (unit, layer) => `Prune unit ${unit} of ${layer}`,
  pruneUnits: (count, layer) => `Prune the ${count} selected units of ${layer}`,
  pruneLow: (count, layer) => `Prune the ${count} low-importance units of ${layer}`,
  restore: "Put the line back",
};

const actionsJa: ActionMessages = {
  pruneUnit: (unit, layer) => `${layer} のユニット ${unit} を枝刈り`,
  pruneUnits: (count, layer) => `${layer} の選択した ${count} ユニットを枝刈り`,
  pruneLow: (count, layer) => `${layer} の重要度の低い ${count} ユニットを枝刈り`,
  restore: "行を元に戻す",
};

const japanese = (locale: string): boolean => locale.toLowerCase().startsWith("ja");

export const hoverMessages = (locale: string): HoverMessages =>
  japanese(locale) ? hoverJa : hoverEn;
export const actionMessages = (locale: string): ActionMessages =>
  japanese(locale) ? actionsJa : actionsEn;
