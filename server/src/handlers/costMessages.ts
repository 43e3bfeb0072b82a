import { count } from "#core/report/numbers.ts";
import type { BeforeAfter, PruneCost } from "#protocol/views/cost.ts";

/** What a prune costs, in words. */
interface CostMessages {
  question(cost: PruneCost, worse: readonly string[]): string;
  title(cost: PruneCost): string;
  round(multiple: number): string;
  /** One line each. */
  facts(cost: PruneCost): readonly string[];
  lessAccurate(guard: number): string;
  readonly slower: string;
  readonly nothing: string;
  readonly declined: string;
  readonly accept: string;
}

const en: CostMessages = {
  question: (cost, worse) =>
    `Prune ${counted(units(cost))} of ${layers(cost)}?${worse.map((w) => ` ${w}`).join("")}`,
  title: (cost) => `What pruning ${counted(units(cost))} of ${layers(cost)} would change`,
  round: (multiple) => `Round to multiples of ${multiple}`,
  facts: (cost) =>
    facts(cost, {
      accuracy: "accuracy",
      parameters: "parameters",
      macs: "multiply-accumulates",
      bytes: "bytes",
      latency: "milliseconds per sample",
      rounded: (multiple) =>
        `with widths that are multiples of ${multiple}, milliseconds per sample`,
    }),
  lessAccurate: (guard) => `Accuracy drops by more than ${points(guard)} points.`,
  declined: "the prune was not accepted; nothing was written",
  nothing: "nothing is deleted in the listing: delete the lines of units first",
  slower: "The model gets slower on this machine.",
  accept: "Prune",
};

const ja: CostMessages = {
  question: (cost, worse) =>
    `${layers(cost)} の ${count(units(cost))} ユニットを枝刈りしますか？${worse.join("")}`,
  title: (cost) => `${layers(cost)} の ${count(units(cost))} ユニットを枝刈りした場合の変化`,
  round: (multiple) => `${multiple} の倍数に丸める`,
  facts: (cost) =>
    facts(cost, {
      accuracy: "正解率",
      parameters: "パラメータ",
      macs: "積和演算",
      bytes: "サイズ（バイト）",
      latency: "レイテンシー（ミリ秒/サンプル）",
      rounded: (multiple) => `幅を ${multiple} の倍数にした場合のレイテンシー（ミリ秒/サンプル）`,
    }),
  lessAccurate: (guard) => `正解率が ${points(guard)} ポイントより大きく下がります。`,
  declined: "枝刈りは承認されませんでした。何も書き込んでいません",
  nothing: "リスティングで何も削除されていません: 先にユニットの行を削除してください",
  slower: "このマシンでは遅くなります。",
  accept: "枝刈りする",
};

export const costMessages = (locale: string): CostMessages =>
  locale.toLowerCase().startsWith("ja") ? ja : en;

type Fact = "accuracy" | "parameters" | "macs" | "bytes" | "latency";

interface Names extends Readonly<Record<Fact, string>> {
  rounded(multiple: number): string;
}

function facts(cost: PruneCost, names: Names): readonly string[] {
  const { rounded } = cost;
  const line = (fact: Fact, text: (n: number) => string): readonly string[] => {
    const found: BeforeAfter | undefined = cost[fact];
    return found === undefined
      ? []
      : [`${names[fact]} ${text(found.before)} → ${text(found.after)}`];
  };
  return [
    ...line("accuracy", (n) => n.toFixed(4)),
    ...line("parameters", count),
    ...line("macs", count),
    ...line("bytes", count),
    ...line("latency", milliseconds),
    ...(rounded === undefined
      ? []
      : [`${names.rounded(rounded.multiple)} ${milliseconds(rounded.latency.after)}`]),
  ];
}

export const milliseconds = (ms: number): string => ms.toPrecision(3);

const counted = (n: number): string => `${count(n)} ${n === 1 ? "unit" : "units"}`;

export const points = (share: number): string => String(Number((100 * share).toPrecision(6)));

const units = ({ removed }: PruneCost): number =>
  removed.reduce((n, { units }) => n + units.length, 0);

const layers = ({ removed }: PruneCost): string => removed.map(({ layer }) => layer).join(", ");
