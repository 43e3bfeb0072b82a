import { count } from "#core/report/numbers.ts";
import type { GuardAnswer } from "#protocol/requests.ts";
import { points } from "./costMessages.ts";

/** What can go within the accuracy guard, in words. */
interface GuardMessages {
  readonly edited: string;
  readonly changed: string;
  /** Title of a code action. */
  pruneAll(guard: number): string;
  pruneLayer(layer: string, guard: number): string;
  done(found: Found): string;
}

type Found = Pick<GuardAnswer, "groups" | "accuracy" | "drop" | "lines"> & {
  readonly layer: string | undefined;
};

const en: GuardMessages = {
  edited: "the listing has unsaved edits: save or revert them first",
  changed: "the listing was edited meanwhile; try again",
  pruneAll: (guard) => `Prune as much as keeps accuracy within ${points(guard)} points`,
  pruneLayer: (layer, guard) =>
    `Prune as much of ${layer} as keeps accuracy within ${points(guard)} points`,
  done: ({ groups, lines, accuracy, drop, layer }) =>
    groups === 0
      ? `No unit${layer === undefined ? "" : ` of ${layer}`} can go while accuracy stays within ${points(drop)} points of ${share(accuracy.before)}.`
      : `${deleted(groups, lines.length)}${layer === undefined ? "" : ` of ${layer}`}: without them accuracy is ${share(accuracy.after)}, ${lost(accuracy)} points below ${share(accuracy.before)} (at most ${points(drop)}). Saving prunes the model, undo brings the lines back.`,
};

const ja: GuardMessages = {
  edited: "リスティングに未保存の編集があります。先に保存するか、元に戻してください",
  changed: "その間にリスティングが編集されました。もう一度実行してください",
  pruneAll: (guard) => `正解率の低下が ${points(guard)} ポイント以内に収まる最大限の枝刈り`,
  pruneLayer: (layer, guard) =>
    `正解率の低下が ${points(guard)} ポイント以内に収まる ${layer} の最大限の枝刈り`,
  done: ({ groups, lines, accuracy, drop, layer }) =>
    groups === 0
      ? `正解率 ${share(accuracy.before)} からの低下を ${points(drop)} ポイント以内に保つと、${layer === undefined ? "" : `${layer} の`}どのユニットも枝刈りできません。`
      : `${layer === undefined ? "" : `${layer} の`}${counted(groups, lines.length)}を削除しました。正解率は ${share(accuracy.before)} から ${share(accuracy.after)} になります（低下 ${lost(accuracy)} ポイント、上限 ${points(drop)}）。保存するとモデルを枝刈りし、元に戻す操作で行が戻ります。`,
};

function deleted(groups: number, lines: number): string {
  const units = `${count(lines)} ${lines === 1 ? "unit" : "units"}`;
  return groups === lines
    ? `Deleted the lines of ${units}`
    : `Deleted the lines of ${count(groups)} ${groups === 1 ? "group" : "groups"} of coupled units (${units})`;
}

const counted = (groups: number, lines: number): string =>
  groups === lines
    ? `${count(lines)} ユニットの行`
    : `${count(groups)} 組のユニット（${count(lines)} 行）`;

const share = (accuracy: number): string => accuracy.toFixed(4);

/** 0 where accuracy rises. */
const lost = ({ before, after }: Found["accuracy"]): string =>
  (100 * Math.max(0, before - after)).toFixed(2);

export const guardMessages = (locale: string): GuardMessages =>
  locale.toLowerCase().startsWith("ja") ? ja : en;
