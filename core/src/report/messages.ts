/** Texts of the findings, per language. English is the source; every language has every text. */
const en = {
  lowImportance: (rank: number, units: number, layer: string, value: string, share: string) =>
    `low importance: rank ${rank} of ${units} in ${layer} (${value}, ${share} of the layer's largest)`,
  lowImportanceNote: (rank: number, units: number) => `low importance (rank ${rank} of ${units})`,
  deadUnit: (samples: string) => `never active on ${samples} samples`,
  deadUnitNote: () => "never active",
};

export type ReportMessages = typeof en;

const ja: ReportMessages = {
  lowImportance: (rank, units, layer, value, share) =>
    `重要度が低い: ${layer} の ${units} ユニット中 ${rank} 位 (${value}、層内最大値の ${share.replace(/^under (.*)/, "$1 未満")})`,
  lowImportanceNote: (rank, units) => `重要度が低い (${units} 中 ${rank} 位)`,
  deadUnit: (samples) => `${samples} サンプルで一度も活性化しない`,
  deadUnitNote: () => "一度も活性化しない",
};

/** The texts for a display language ("ja", "ja-JP", "en", …); English where there is no other. */
export function reportMessages(locale: string | undefined): ReportMessages {
  return /^ja\b/i.test(locale ?? "") ? ja : en;
}
