/** Numbers as the display language writes them. */
import * as vscode from "vscode";
import type { BeforeAfter } from "#protocol/views/cost.ts";

/** As the listing has it: a share of 1 with four digits. */
export function accuracyText(value: number): string {
  return format(value, { minimumFractionDigits: 4, maximumFractionDigits: 4 });
}

export function countText(value: number): string {
  return format(value);
}

export function smallText(value: number): string {
  return format(value, { notation: "scientific", maximumFractionDigits: 1 });
}

export function digitsText(value: number): string {
  return format(value, { maximumSignificantDigits: 3 });
}

/** In decimal units; four digits, so that a small cut shows in a large file. */
export function byteText(value: number): string {
  const [divisor, unit] =
    value < 1e3
      ? [1, "byte"]
      : value < 1e6
        ? [1e3, "kilobyte"]
        : value < 1e9
          ? [1e6, "megabyte"]
          : [1e9, "gigabyte"];
  return format(value / divisor, { style: "unit", unit, maximumSignificantDigits: 4 });
}

export function listText(values: readonly string[]): string {
  return new Intl.ListFormat(vscode.env.language, { type: "conjunction" }).format(values);
}

export function arrow({ before, after }: BeforeAfter, text: (value: number) => string): string {
  return `${text(before)} → ${text(after)}`;
}

function format(value: number, options?: Intl.NumberFormatOptions): string {
  return new Intl.NumberFormat(vscode.env.language, options).format(value);
}
