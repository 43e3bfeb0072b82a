import type { Dim, Shape } from "../ir/tensor.ts";
import { check, show } from "./check.ts";

/** An equation with the ellipses written out: each axis of each operand has a label, a small number. */
export interface Equation {
  readonly operands: readonly (readonly number[])[];
  readonly output: readonly number[];
  /** The length of each label. */
  readonly lengths: readonly Dim[];
}

const TERM = /^[a-zA-Z]*(\.\.\.)?[a-zA-Z]*$/;
const LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

/** Labels of an einsum equation such as "bij,bjk->bik" or "...ii->...i". Throws InvalidNode. */
export function parseEinsum(equation: unknown, shapes: readonly Shape[]): Equation {
  check(typeof equation === "string", "Einsum: equation is missing");
  const text = equation.replaceAll(/\s/g, "");
  const wrong = `Einsum: equation ${text}`;
  const sides = text.split("->");
  check(sides.length <= 2, `${wrong} has more than one ->`);
  const terms = sides[0].split(",");
  check(terms.length === shapes.length, `${wrong} has ${terms.length} terms for ${shapes.length}`);
  for (const t of [...terms, sides[1] ?? ""]) check(TERM.test(t), `${wrong}: the term ${t}`);

  const broadcast = terms.map((term, i) => {
    const letters = term.replace("...", "").length;
    const rest = shapes[i].length - letters;
    check(
      term.includes("...") ? rest >= 0 : rest === 0,
      `${wrong}: the term ${term} does not fit ${show(shapes[i])}`,
    );
    return rest;
  });
  const most = Math.max(0, ...broadcast);
  const numbers = new Map<string, number>();
  const number = (letter: string): number => {
    const known = numbers.get(letter) ?? most + numbers.size;
    numbers.set(letter, known);
    return known;
  };
  /** The axes of an ellipsis are the labels below `most`, aligned at the end. */
  const labels = (term: string, ellipsis: number): number[] => {
    const [before, after] = term.split("...");
    const dots =
      after === undefined ? [] : Array.from({ length: ellipsis }, (_, i) => most - ellipsis + i);
    return [...[...before].map(number), ...dots, ...[...(after ?? "")].map(number)];
  };
  const operands = terms.map((term, i) => labels(term, broadcast[i]));
  const seen = numbers.size;
  const output = labels(sides[1] ?? implied(terms), most);
  check(numbers.size === seen, `${wrong}: a letter of the result is in no term`);
  check(new Set(output).size === output.length, `${wrong}: the result repeats a letter`);
  return { operands, output, lengths: lengthsOf(operands, shapes, most + seen, wrong) };
}

/** Without "->": the letters that occur once, in alphabetical order, after the ellipsis. */
function implied(terms: readonly string[]): string {
  const all = terms.join("");
  const once = [...new Set(all.replaceAll(".", ""))].filter(
    (c) => all.indexOf(c) === all.lastIndexOf(c),
  );
  return (all.includes("...") ? "..." : "") + once.sort((a, b) => (a < b ? -1 : 1)).join("");
}

function lengthsOf(
  operands: Equation["operands"],
  shapes: readonly Shape[],
  count: number,
  wrong: string,
): readonly Dim[] {
  const lengths = new Array<Dim>(count).fill(1);
  operands.forEach((labels, i) => {
    labels.forEach((label, axis) => {
      const n = shapes[i][axis];
      check(
        lengths[label] === 1 || n === 1 || n === lengths[label],
        `${wrong}: lengths ${lengths[label]} and ${n} differ`,
      );
      if (n !== 1) lengths[label] = n;
    });
  });
  return lengths;
}

/** The equation of terms given by labels. */
export function writeEinsum(
  operands: readonly (readonly number[])[],
  output: readonly number[],
): string {
  const letters = new Map<number, string>();
  const term = (labels: readonly number[]) =>
    labels
      .map((label) => {
        const known = letters.get(label) ?? LETTERS[letters.size];
        check(known !== undefined, "Einsum: more than 52 labels");
        letters.set(label, known);
        return known;
      })
      .join("");
  return `${operands.map(term).join(",")}->${term(output)}`;
}
