/** The little that every chart needs to write SVG. */

/** Grey that reads on white and on a dark editor alike: a picture in a hover cannot see the theme. */
export const INK = "#808080";
export const FONT = "font-family='system-ui,sans-serif' font-size='11'";

/** `content` in a picture of this size; `label` says what it shows to who cannot see it. */
export function svg(
  width: number,
  height: number,
  label: string,
  content: readonly string[],
): string {
  const size = `width='${width}' height='${height}' viewBox='0 0 ${width} ${height}'`;
  const head = `<svg xmlns='http://www.w3.org/2000/svg' ${size} role='img' aria-label='${escaped(label)}'>`;
  return [head, ...content, "</svg>"].join("\n");
}

/** Text for markup: no character of it can end an element, an attribute or the document. */
export function escaped(text: string): string {
  return text
    .replace(/[<>&'"]/g, (c) => `&#${c.charCodeAt(0)};`)
    .replace(/[\p{Cc}\p{Cs}\ufffe\uffff]/gu, " ");
}

/** A length or place with at most two decimals. */
export function px(value: number): string {
  return String(Math.round(value * 100) / 100);
}

/** A number with three digits: "0.0312", "-1.25e-9". */
export function digits(value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(3))).replace("-", "−") : "–";
}
