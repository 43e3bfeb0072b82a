import { fail } from "../problem.ts";
import { numberIn } from "./number.ts";

/** Which class each text of a label column means. */
export interface ClassTable {
  /** Names in the order of their class index; absent where the texts are class indices themselves. */
  readonly classes?: readonly string[];
  indexOf(text: string): number;
}

const maxClasses = 10_000;

/** Collects the different texts of a label column; its size depends on the classes, not the rows. */
export class ClassCollector {
  readonly #file: string;
  readonly #rows = new Map<string, number>();

  constructor(file: string) {
    this.#file = file;
  }

  add(text: string, row: number): void {
    const name = text.trim();
    if (this.#rows.has(name)) return;
    if (name === "") this.#refuse("the label is empty; fill it in or leave the row out", row);
    this.#rows.set(name, row);
    if (this.#rows.size > maxClasses) {
      this.#refuse(`more than ${maxClasses} different labels; choose a column of classes`, row);
    }
  }

  /**
   * Integers from 0 on are class indices as they are; other integers and names become classes in
   * sorted order. Fractions are no classes.
   */
  finish(): ClassTable {
    const names = [...this.#rows.keys()];
    const numbers = names.map(numberIn);
    if (numbers.includes(undefined)) return sorted(names.sort((a, b) => (a < b ? -1 : 1)));
    const fraction = numbers.findIndex((value) => !Number.isInteger(value));
    if (fraction >= 0) {
      const message = `the label ${names[fraction]} is no class; choose a column of whole numbers or names`;
      this.#refuse(message, this.#rows.get(names[fraction]));
    }
    if (numbers.every((value) => value !== undefined && value >= 0)) return { indexOf: Number };
    return sorted(names.sort((a, b) => Number(a) - Number(b)));
  }

  #refuse(message: string, row: number | undefined): never {
    fail("unreadable-data", message, this.#file, `row ${row}`);
  }
}

function sorted(classes: readonly string[]): ClassTable {
  const index = new Map(classes.map((name, i) => [name, i]));
  return { classes, indexOf: (text) => index.get(text.trim()) ?? -1 };
}
