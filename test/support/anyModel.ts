import fc from "fast-check";
import type { Importance } from "#protocol/views/importance.ts";
import type { CouplingView, ModelView } from "#protocol/views/model.ts";
import { layer, measured } from "./listings.ts";

/** Whatever a file may call its things: words, quotes, comments, line ends, broken surrogates. */
export const anyName = fc.oneof(
  fc.stringMatching(/^[a-z]{1,6}(\.[0-9])?$/),
  fc.string({ maxLength: 8 }),
  fc.string({ unit: "binary", maxLength: 5 }),
  fc.constantFrom(
    "",
    "#",
    'a "b"',
    "classes",
    "a\nlayer b",
    "\ud800",
    "層 1",
    "\u2028x",
    "\\",
    "unit",
  ),
);

const anyNumber = fc.oneof(
  fc.double({ min: 0, max: 1, noNaN: true }),
  fc.double({ min: 0, max: 1e12 }),
  fc.constantFrom(0, 1e-300, 1e-9, Number.NaN, Number.POSITIVE_INFINITY),
);

export interface AnyModel {
  readonly model: ModelView;
  readonly importance: Importance;
  readonly classes: readonly string[];
}

/** A model of up to five layers, what was measured on it, and names for its classes. */
export const anyModel: fc.Arbitrary<AnyModel> = fc
  .record({
    name: anyName,
    format: anyName,
    data: anyName,
    note: anyName,
    classes: fc.array(anyName, { minLength: 1, maxLength: 4 }),
    inputs: fc.uniqueArray(anyName, { maxLength: 2 }),
    layers: fc.uniqueArray(
      fc.record({
        name: anyName,
        summary: anyName,
        fixed: fc.option(anyName, { nil: undefined }),
        units: fc.integer({ min: 1, max: 6 }),
        numbers: fc.array(anyNumber, { minLength: 6, maxLength: 6 }),
      }),
      { maxLength: 5, selector: ({ name }) => name },
    ),
  })
  .map(({ name, format, data, note, classes, inputs, layers }) => ({
    classes,
    model: {
      name,
      format,
      parameters: 1234,
      inputs: inputs.map((input) => ({ name: input, dtype: "float32", shape: [name, 3] })),
      outputs: [],
      layers: layers.map(({ name, summary, units, fixed }) =>
        layer(name, summary, units, fixed === undefined ? {} : { fixed }),
      ),
      ...(layers.length < 2 ? {} : { coupling: firstTogether(layers[0]!, layers[1]!) }),
      problems: [note],
    },
    importance: {
      data,
      samples: 10,
      outputs: "probabilities",
      note,
      layers: layers.map(({ name, units, numbers }) => {
        const values = numbers.slice(0, units);
        return measured(name, values, { active: values, contribution: classes.map(() => values) });
      }),
      input: { shape: [3], importance: [] },
    },
  }));

interface Named {
  readonly name: string;
  readonly units: number;
}

/** The first unit of a layer goes with all of another's. */
const firstTogether = (a: Named, b: Named): CouplingView => ({
  parallel: [],
  groups: [
    [
      { layer: a.name, units: [0] },
      { layer: b.name, units: Array.from({ length: b.units }, (_, u) => u) },
    ],
  ],
  otherwise: [],
  stuck: [],
  apart: [],
});
