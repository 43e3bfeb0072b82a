/** Texts of listings: their comments and what is wrong with an edit. English is the source. */
const en = {
  parameters: (n: string) => `${n} ${n === "1" ? "parameter" : "parameters"}`,
  layers: (n: string) => `${n} layers`,
  samples: (n: string) => `${n} ${n === "1" ? "sample" : "samples"}`,
  accuracy: (value: string) => `accuracy ${value}`,
  notComputed: () => "importance is not computed yet",
  output: () => "output",
  fixed: (why: string) => `cannot be pruned: ${why}`,
  coupled: (layers: readonly string[], more: number) =>
    `units go together with ${layers.join(", ")}${more === 0 ? "" : ` and ${more} more`}`,
  noData: (model: string) =>
    `no data: weights only; for importance on your data, write kaibo.json: { "models": [{ "model": ${model}, "data": "…" }] }`,

  missingName: (keyword: string) => `"${keyword}" needs a name after it; undo the edit`,
  unexpectedText: () => "not a line of a listing: delete it, or put # in front of it",
  badUnit: () => 'a unit\'s line begins with "unit" and its number, like "unit 7"; undo the edit',
  strayUnit: () =>
    "this unit stands above the first layer: its layer's heading is gone; undo the edit",
  unknownColumn: (word: string) =>
    `"${word}" is not a column of a unit's line; for a remark, put # in front of it`,
  duplicateLine: (what: string) => `"${what}" is there already: delete this line`,
  duplicateUnit: (unit: number, layer: string) =>
    `unit ${unit} of ${layer} is listed twice: delete this line`,
  unknownLayer: (layer: string) => `the model has no layer "${layer}"; undo the edit`,
  unknownUnit: (unit: number, layer: string, last: number) =>
    `${layer} has no unit ${unit}: its units are 0 to ${last}`,
  changedUnit: (column: string, was: string) =>
    `numbers are a view: ${column} was computed${was === "" ? "" : ` (${was})`} and cannot be edited; undo, or delete the whole line to prune the unit`,
  changedHeading: (was: string) =>
    `headings are a view of the model and cannot be edited; put back: ${was}`,
  addedHeading: () =>
    "headings are a view of the model: delete this line; data and classes are named in kaibo.json",
  missingLine: (was: string) =>
    `a line is gone; headings are a view of the model, put it back: ${was}`,
  missingLayer: (layer: string) =>
    `${layer} is gone as a whole: a layer cannot be removed, at least one unit must stay; undo, or put its lines back below`,
  missingHeading: (layer: string) =>
    `the heading of ${layer} is gone: its units cannot be told from those above; undo, and delete unit lines only`,
  emptiedLayer: (layer: string, units: number) =>
    `${layer} cannot lose all of its ${units} units: at least one must stay; undo, or put one line back`,
  outputLayer: (layer: string, units: string) =>
    `the units of ${layer} are the model's outputs and cannot be pruned; put back: ${units}`,
  fixedLayer: (layer: string, why: string, units: string) =>
    `the units of ${layer} cannot be pruned: ${why}; put back: ${units}`,
  coupledUnit: (unit: number, layer: string, gone: string) =>
    `unit ${unit} of ${layer} goes together with ${gone}, deleted already: delete this line too, or undo`,
  coupledUnits: (count: number, layer: string, gone: string) =>
    `${count} units of ${layer} go together with ${gone}, deleted already: delete their lines too, or undo`,
  stuckUnits: (layer: string, why: string, units: string) =>
    `these units of ${layer} cannot be pruned: ${why}; put back: ${units}`,
  emptiedPart: (units: string) =>
    `${units} cannot all be pruned: a part of the model reads nothing else; put one line back`,
  deletedBelow: (units: string) => `${units}: deleted below this line`,
  unitsOf: (units: string, layer: string) => `${units} of ${layer}`,
  together: (parts: readonly string[], more: number) =>
    `${parts.join("; ")}${more === 0 ? "" : `; and ${more} more layers`}`,
  unitList: (units: readonly number[], more: number) =>
    `unit${units.length + more === 1 ? "" : "s"} ${units.join(", ")}${more === 0 ? "" : ` and ${more} more`}`,
};

export type ListingMessages = typeof en;

const ja: ListingMessages = {
  parameters: (n) => `パラメータ数 ${n}`,
  layers: (n) => `${n} 層`,
  samples: (n) => `${n} サンプル`,
  accuracy: (value) => `正解率 ${value}`,
  notComputed: () => "重要度は未計算",
  output: () => "出力",
  fixed: (why) => `枝刈り不可: ${why}`,
  coupled: (layers, more) =>
    `ユニットは ${layers.join(", ")}${more === 0 ? "" : ` ほか ${more} 層`} と一組`,
  noData: (model) =>
    `データなし: 重みのみ。データでの重要度を見るには kaibo.json を書く: { "models": [{ "model": ${model}, "data": "…" }] }`,

  missingName: (keyword) => `"${keyword}" の後に名前がありません。編集を元に戻してください`,
  unexpectedText: () => "リスティングの行ではありません。削除するか、先頭に # を付けてください",
  badUnit: () =>
    'ユニットの行は "unit 7" のように "unit" と番号で始まります。編集を元に戻してください',
  strayUnit: () =>
    "最初の層より上にユニットがあります。層の見出しが消えています。編集を元に戻してください",
  unknownColumn: (word) =>
    `"${word}" はユニットの行の列ではありません。メモは先頭に # を付けてください`,
  duplicateLine: (what) => `"${what}" はすでにあります。この行を削除してください`,
  duplicateUnit: (unit, layer) =>
    `${layer} のユニット ${unit} が重複しています。この行を削除してください`,
  unknownLayer: (layer) => `モデルに層 "${layer}" はありません。編集を元に戻してください`,
  unknownUnit: (unit, layer, last) =>
    `${layer} にユニット ${unit} はありません。ユニットは 0 から ${last} までです`,
  changedUnit: (column, was) =>
    `数値は表示用です: ${column} は計算結果${was === "" ? "" : ` (${was})`} で、編集できません。元に戻すか、ユニットを枝刈りするには行全体を削除してください`,
  changedHeading: (was) => `見出しはモデルの表示で、編集できません。次に戻してください: ${was}`,
  addedHeading: () =>
    "見出しはモデルの表示です。この行を削除してください。データとクラスは kaibo.json に書きます",
  missingLine: (was) => `行が消えています。見出しはモデルの表示なので、元に戻してください: ${was}`,
  missingLayer: (layer) =>
    `${layer} が層ごと消えています。層は削除できず、少なくとも 1 ユニットを残す必要があります。元に戻すか、この下に行を戻してください`,
  missingHeading: (layer) =>
    `${layer} の見出しが消えたため、ユニットを上の層と区別できません。元に戻し、ユニットの行だけを削除してください`,
  emptiedLayer: (layer, units) =>
    `${layer} の ${units} ユニットをすべて削除することはできません。少なくとも 1 つ残してください。元に戻すか、1 行を戻してください`,
  outputLayer: (layer, units) =>
    `${layer} のユニットはモデルの出力なので枝刈りできません。戻してください: ${units}`,
  fixedLayer: (layer, why, units) =>
    `${layer} のユニットは枝刈りできません: ${why}。戻してください: ${units}`,
  coupledUnit: (unit, layer, gone) =>
    `${layer} のユニット ${unit} は、削除済みの ${gone} と一組です。この行も削除するか、元に戻してください`,
  coupledUnits: (count, layer, gone) =>
    `${layer} の ${count} ユニットは、削除済みの ${gone} と一組です。それらの行も削除するか、元に戻してください`,
  stuckUnits: (layer, why, units) =>
    `${layer} の次のユニットは枝刈りできません: ${why}。戻してください: ${units}`,
  emptiedPart: (units) =>
    `${units} をすべて枝刈りすることはできません。それだけを読む部分がモデルにあります。1 行を戻してください`,
  deletedBelow: (units) => `${units}: この行の下で削除`,
  unitsOf: (units, layer) => `${layer} の${units}`,
  together: (parts, more) => `${parts.join("、")}${more === 0 ? "" : ` ほか ${more} 層`}`,
  unitList: (units, more) => `ユニット ${units.join(", ")}${more === 0 ? "" : ` ほか ${more} 個`}`,
};

/** The texts for a display language ("ja", "ja-JP", "en", …); English where there is no other. */
export function listingMessages(locale: string | undefined): ListingMessages {
  return /^ja\b/i.test(locale ?? "") ? ja : en;
}
