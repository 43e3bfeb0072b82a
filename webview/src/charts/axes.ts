/** Scales, ticks and the lines of a chart with two axes. */
import { escaped, px } from "./svg.ts";

/** A range of values on a range of pixels. */
export interface Scale {
  readonly from: number;
  readonly to: number;
  readonly start: number;
  readonly end: number;
}

export function place({ from, to, start, end }: Scale, value: number): number {
  return to === from ? start : start + ((value - from) / (to - from)) * (end - start);
}

/** Round numbers in [from, to]: steps of 1, 2 or 5 times a power of ten, at most `most` of them. */
export function ticks(from: number, to: number, most: number, least = 0): readonly number[] {
  const step = stepOf(from, to, most, least);
  const first = Math.ceil(from / step - ROUNDING);
  const last = Math.floor(to / step + ROUNDING);
  return Array.from({ length: last - first + 1 }, (_, i) => round((first + i) * step));
}

/** [from, to] widened to whole steps. */
export function widened(from: number, to: number, most: number): readonly [number, number] {
  const step = stepOf(from, to, most, 0);
  return [
    round(Math.floor(from / step + ROUNDING) * step),
    round(Math.ceil(to / step - ROUNDING) * step),
  ];
}

function stepOf(from: number, to: number, most: number, least: number): number {
  const rough = Math.max((to - from) / Math.max(1, most - 1), least, Number.MIN_VALUE);
  const power = 10 ** Math.floor(Math.log10(rough));
  const factor = [1, 2, 5, 10].find((f) => f * power >= rough * (1 - ROUNDING)) ?? 10;
  return Math.max(factor * power, least) || 1;
}

/** Quotients of decimal numbers miss whole numbers by this much. */
const ROUNDING = 1e-9;
const round = (value: number): number => Number(value.toPrecision(12));

/** As many decimals for all ticks as the step between them has. */
export function tickTexts(values: readonly number[]): readonly string[] {
  const decimals = Math.max(...values.map((v) => (String(v).split(".")[1] ?? "").length), 0);
  return values.map((v) => v.toFixed(decimals));
}

export interface Axes {
  readonly x: Scale;
  readonly y: Scale;
  readonly xTicks: readonly number[];
  readonly yTicks: readonly number[];
  readonly xTitle: string;
  readonly yTitle: string;
  readonly ink: string;
  readonly grid: string;
}

/** Both axes with ticks, numbers and titles; lines across at the ticks of y. */
export function axes({ x, y, xTicks, yTicks, xTitle, yTitle, ink, grid }: Axes): readonly string[] {
  const [left, right, bottom, top] = [x.start, x.end, y.start, y.end].map(px) as [
    string,
    string,
    string,
    string,
  ];
  const xTexts = tickTexts(xTicks);
  const yTexts = tickTexts(yTicks);
  const middle = px((y.start + y.end) / 2);
  return [
    `<path d='${yTicks.map((v) => `M${left} ${px(place(y, v))}H${right}`).join("")}' stroke='${grid}' stroke-opacity='.35'/>`,
    `<path d='M${left} ${top}V${bottom}H${right}${xTicks.map((v) => `M${px(place(x, v))} ${bottom}v4`).join("")}' fill='none' stroke='${ink}'/>`,
    `<g text-anchor='middle' fill='${ink}'>${xTicks.map((v, i) => `<text x='${px(place(x, v))}' y='${px(y.start + 16)}'>${xTexts[i]}</text>`).join("")}</g>`,
    `<g text-anchor='end' fill='${ink}'>${yTicks.map((v, i) => `<text x='${px(x.start - 6)}' y='${px(place(y, v) + 4)}'>${yTexts[i]}</text>`).join("")}</g>`,
    `<text x='${px((x.start + x.end) / 2)}' y='${px(y.start + 34)}' text-anchor='middle' fill='${ink}'>${escaped(xTitle)}</text>`,
    `<text transform='translate(12 ${middle}) rotate(-90)' text-anchor='middle' fill='${ink}'>${escaped(yTitle)}</text>`,
  ];
}
