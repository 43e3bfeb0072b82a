import { count } from "#core/report/numbers.ts";
import type { PruneReport } from "#protocol/requests.ts";
import type { ImportanceIndex } from "#protocol/views/importance.ts";

interface HoverMessages {
  readonly noResults: string;
  readonly kernel: string;
  readonly contributionAlt: string;
  readonly index: Readonly<Record<ImportanceIndex | "weights" | "activation", string>>;
  importanceIs(formula: string): string;
  importance(value: string, rank: number, units: number, part: string): string;
  deviation(value: string, rank: number, units: number): string;
  noImportance(because: string): string;
  active(share: string, samples: string): string;
  contribution(share: string): string;
  fixed(because: string): string;
  /** `units`: "conv2/3, conv4/3". */
  coupled(units: string): string;
}

interface ActionMessages {
  pruneUnit(unit: number, layer: string): string;
  pruneUnits(count: number, layer: string): string;
  pruneLow(count: number, layer: string): string;
  /** The title of a prune with which coupled units of other layers go. */
  along(title: string, count: number): string;
  deleteCoupled(count: number): string;
  deleteAllCoupled(count: number): string;
  mergeExact(of: number): string;
  removeExact(): string;
  fixAllExact(count: number): string;
  readonly restore: string;
  restoreOriginal(since: Date): string;
  setInput(key: string, value: string): string;
  readonly openAnyway: string;
}

interface DiagnosticMessages {
  /** `list` names the first of the units, `more` counts the others. */
  lowInLayer(low: number, units: number, list: string, more: number): string;
}

const diagnosticsEn: DiagnosticMessages = {
  lowInLayer: (low, units, list, more) =>
    `${low} of ${units} units ${low === 1 ? "has" : "have"} low importance: ${list}${more > 0 ? ` and ${more} more` : ""}`,
};

const diagnosticsJa: DiagnosticMessages = {
  lowInLayer: (low, units, list, more) =>
    `${units} ユニット中 ${low} ユニットの重要度が低い: ${list}${more > 0 ? ` ほか ${more} 個` : ""}`,
};

const hoverEn: HoverMessages = {
  noResults: "no results yet",
  kernel: "weights",
  contributionAlt: "contribution per class",
  index: {
    gate: "Σ over outputs of σ(∂y/∂gate)",
    sigma: "Σ over outputs of σ(∂y/∂a)",
    scaled: "std(a) · Σ over outputs of σ(∂y/∂a)",
    weights: "no data: norm of its weights",
    activation: "cannot be computed; std(a) ranks the units",
  },
  importanceIs: (formula) => `importance: ${formula}`,
  importance: (value, rank, units, part) =>
    `importance **${value}**, rank ${rank} of ${units} (${part} of the largest)`,
  deviation: (value, rank, units) => `std(a) **${value}**, rank ${rank} of ${units}`,
  noImportance: (because) => `no importance: ${because}`,
  active: (share, samples) => `active on ${share} of ${samples} samples and their positions`,
  contribution: (share) => `contribution **${share}** of the layer`,
  fixed: (because) => `cannot be pruned: ${because}`,
  coupled: (units) => `goes together with ${units}`,
};

const hoverJa: HoverMessages = {
  noResults: "まだ結果がありません",
  kernel: "重み",
  contributionAlt: "クラスごとの貢献度",
  index: {
    gate: "σ(∂y/∂ゲート) の出力についての和",
    sigma: "σ(∂y/∂a) の出力についての和",
    scaled: "std(a) · σ(∂y/∂a) の出力についての和",
    weights: "データなし: 重みのノルム",
    activation: "計算できません。std(a) で順位を付けています",
  },
  importanceIs: (formula) => `重要度: ${formula}`,
  importance: (value, rank, units, part) =>
    `重要度 **${value}**、${units} 中 ${rank} 位（最大の ${part}）`,
  deviation: (value, rank, units) => `std(a) **${value}**、${units} 中 ${rank} 位`,
  noImportance: (because) => `重要度なし: ${because}`,
  active: (share, samples) => `${samples} サンプルとその位置の ${share} で活性`,
  contribution: (share) => `貢献度は層の **${share}**`,
  fixed: (because) => `枝刈りできません: ${because}`,
  coupled: (units) => `${units} と一組`,
};

const day = (date: Date): string => date.toISOString().slice(0, 10);

const actionsEn: ActionMessages = {
  pruneUnit: (unit, layer) => `Prune unit ${unit} of ${layer}`,
  pruneUnits: (count, layer) => `Prune the ${count} selected units of ${layer}`,
  pruneLow: (count, layer) =>
    count === 1
      ? `Prune the low-importance unit of ${layer}`
      : `Prune the ${count} low-importance units of ${layer}`,
  along: (title, count) => `${title} with ${count} coupled ${count === 1 ? "unit" : "units"}`,
  deleteCoupled: (count) =>
    count === 1 ? "Delete the coupled line" : `Delete the ${count} coupled lines`,
  deleteAllCoupled: (count) => `Delete all ${count} coupled lines`,
  mergeExact: (of) => `Merge with unit ${of} (exact)`,
  removeExact: () => "Remove (exact)",
  fixAllExact: (count) =>
    count === 1
      ? "Remove the redundant unit (exact)"
      : `Remove all ${count} redundant units (exact)`,
  restore: "Put the line back",
  restoreOriginal: (since) => `Restore the original, as it was before the change of ${day(since)}`,
  setInput: (key, value) => `Set "${key}" to ${value} in kaibo.json`,
  openAnyway: "Open anyway, until the editor is closed",
};

const actionsJa: ActionMessages = {
  pruneUnit: (unit, layer) => `${layer} のユニット ${unit} を枝刈り`,
  pruneUnits: (count, layer) => `${layer} の選択した ${count} ユニットを枝刈り`,
  pruneLow: (count, layer) => `${layer} の重要度の低い ${count} ユニットを枝刈り`,
  along: (title, count) => `${title}（一組の ${count} ユニットも）`,
  deleteCoupled: (count) => `一組の ${count} 行を削除`,
  deleteAllCoupled: (count) => `一組の ${count} 行をすべて削除`,
  mergeExact: (of) => `ユニット ${of} に統合（厳密）`,
  removeExact: () => "除去（厳密）",
  fixAllExact: (count) => `冗長な ${count} ユニットをすべて除去（厳密）`,
  restore: "行を元に戻す",
  restoreOriginal: (since) => `${day(since)} の変更前の元のモデルに戻す`,
  setInput: (key, value) => `kaibo.json の "${key}" を ${value} に設定`,
  openAnyway: "それでも開く（エディターを閉じるまで）",
};

interface SaveMessages {
  pruned(report: PruneReport, original: string): string;
  refused(why: string): string;
}

const saveEn: SaveMessages = {
  pruned: (report, original) =>
    `Pruned ${removed(report)}: ${accuracy(report, "accuracy")}${bytes(report)}; the original is kept as ${original}`,
  refused: (why) => `Not pruned: ${why}`,
};

const saveJa: SaveMessages = {
  pruned: (report, original) =>
    `枝刈りしました（${removed(report)}）: ${accuracy(report, "正解率")}${bytes(report)}。元のファイルは ${original} にあります`,
  refused: (why) => `枝刈りしていません: ${why}`,
};

const removed = ({ removed }: PruneReport): string =>
  removed.map(({ layer, units }) => `${layer} ${units.join(", ")}`).join("; ");

const accuracy = ({ accuracy }: PruneReport, word: string): string =>
  accuracy === undefined
    ? ""
    : `${word} ${accuracy.before.toFixed(4)} → ${accuracy.after.toFixed(4)}, `;

const bytes = ({ bytes }: PruneReport): string =>
  `${count(bytes.before)} → ${count(bytes.after)} bytes`;

const japanese = (locale: string): boolean => locale.toLowerCase().startsWith("ja");

export const hoverMessages = (locale: string): HoverMessages =>
  japanese(locale) ? hoverJa : hoverEn;
export const diagnosticMessages = (locale: string): DiagnosticMessages =>
  japanese(locale) ? diagnosticsJa : diagnosticsEn;
export const actionMessages = (locale: string): ActionMessages =>
  japanese(locale) ? actionsJa : actionsEn;
export const saveMessages = (locale: string): SaveMessages => (japanese(locale) ? saveJa : saveEn);
