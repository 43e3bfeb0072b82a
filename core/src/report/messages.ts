import type { RedundancyObstacle } from "#protocol/views/redundancy.ts";

/** Texts of the findings, per language. English is the source; every language has every text. */
const en = {
  lowImportance: (rank: number, units: number, layer: string, value: string, share: string) =>
    `low importance: rank ${rank} of ${units} in ${layer} (${value}, ${share} of the layer's largest)`,
  lowImportanceNote: (rank: number, units: number) => `low importance (rank ${rank} of ${units})`,
  deadUnit: (samples: string) => `never active on ${samples} samples`,
  deadUnitNote: () => "never active",
  duplicateUnit: (of: number) => `gives what unit ${of} gives, whatever the input`,
  constantUnit: (value: string) => `gives ${value}, whatever the input`,
  unreadUnit: () => "all weights that read it are 0",
  exact: () => "it can go without any change of the outputs",
  obstacle: {
    borders:
      "it cannot go exactly: the next layer pads its input with zeros, where the constant is not",
    bias: "it cannot go exactly: the next layer has no bias that could take the constant",
    stored:
      "it cannot go exactly: the weights that would have to change are shared, computed or of 16 bits",
  } as Readonly<Record<RedundancyObstacle, string>>,
};

export type ReportMessages = typeof en;

const ja: ReportMessages = {
  lowImportance: (rank, units, layer, value, share) =>
    `重要度が低い: ${layer} の ${units} ユニット中 ${rank} 位 (${value}、層内最大値の ${share.replace(/^under (.*)/, "$1 未満")})`,
  lowImportanceNote: (rank, units) => `重要度が低い (${units} 中 ${rank} 位)`,
  deadUnit: (samples) => `${samples} サンプルで一度も活性化しない`,
  deadUnitNote: () => "一度も活性化しない",
  duplicateUnit: (of) => `どの入力に対してもユニット ${of} と同じ値を出力`,
  constantUnit: (value) => `どの入力に対しても ${value} を出力`,
  unreadUnit: () => "このユニットを読む重みがすべて 0",
  exact: () => "出力を一切変えずに除去できます",
  obstacle: {
    borders: "厳密には除去できません: 次の層は入力をゼロで埋めるため、境界では定数になりません",
    bias: "厳密には除去できません: 次の層に定数を受け取るバイアスがありません",
    stored:
      "厳密には除去できません: 書き換えるべき重みが共有されているか、計算されるか、16 ビットです",
  },
};

/** The texts for a display language ("ja", "ja-JP", "en", …); English where there is no other. */
export function reportMessages(locale: string | undefined): ReportMessages {
  return /^ja\b/i.test(locale ?? "") ? ja : en;
}
