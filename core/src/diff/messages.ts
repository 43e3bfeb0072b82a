import { OTHER_FORMAT } from "./diff.ts";

/** Texts of comparisons in the editor. English is the source. */
const en = {
  changed: (by: string) => (by === "" ? "changed" : `changed ${by}`),
  added: () => "new",
  unmatched: () => "no telling which unit of the other model this is",
  renumbered: (before: string, after: string) => `units ${before} have the numbers ${after} now`,
  none: () => "none",
  removed: (what: string) => `gone: ${what}`,
  new: (what: string) => `new: ${what}`,
  /** What a change is of, as the core calls it. */
  what: (of: string) => of,
  /** What the core says could not be compared. */
  note: (text: string) => text,
};

export type DiffMessages = typeof en;

const WORDS: Readonly<Record<string, string>> = {
  format: "形式",
  producer: "作成元",
  description: "説明",
  "stored as": "格納型",
  metadata: "メタデータ",
  input: "入力",
  output: "出力",
  reads: "読み込み元",
  "followed by": "後続",
  kernel: "カーネル",
  parameters: "パラメータ数",
  tensor: "テンソル",
  bytes: "バイト数",
  MAC: "積和演算数",
};

const ja: DiffMessages = {
  changed: (by) => (by === "" ? "変更あり" : `${by} 変化`),
  added: () => "新規",
  unmatched: () => "もう一方のモデルのどのユニットに当たるか判別できません",
  renumbered: (before, after) => `ユニット ${before} の現在の番号は ${after}`,
  none: () => "なし",
  removed: (what) => `なくなったもの: ${what}`,
  new: (what) => `新規: ${what}`,
  note: (text) =>
    text === OTHER_FORMAT
      ? "形式が異なるため、層だけを比較し、層の間の演算は比較していません"
      : text,
  what: (of) =>
    WORDS[of] ??
    of
      .replace(/^(metadata|input|output|tensor)\b/, (w) => WORDS[w]!)
      .replace(/ reads$/, " の読み込み元"),
};

/** The texts for a display language; English where there is no other. */
export const diffMessages = (locale: string | undefined): DiffMessages =>
  /^ja\b/i.test(locale ?? "") ? ja : en;
