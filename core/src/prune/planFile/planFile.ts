import { fail } from "../../problem.ts";

/** A prune as data (schemas/kaibo-plan.schema.json): by units, and by tensors for those who have no Kaibo. */
export interface PlanFile {
  readonly version: 1;
  /** The model that the indices are of, as it was before the cut. */
  readonly model?: PlannedModel;
  /** All units that go, those that are coupled with others among them. */
  readonly units?: readonly PlannedUnits[];
  /** What goes along which axis of the stored tensors. */
  readonly tensors?: readonly PlannedCut[];
  /** Shapes that the model has as constants: new targets of Reshape. */
  readonly shapes?: readonly PlannedShape[];
  /** Tensors whose numbers change, too: they take over what a redundant unit did. The cut alone does not do that. */
  readonly rewritten?: readonly string[];
  /** Attributes that count units, such as the groups of a convolution. */
  readonly attributes?: readonly PlannedAttribute[];
  /** What the prune costs and gains, where that was measured (`PruneCost`); for information. */
  readonly cost?: object;
}

export interface PlannedModel {
  /** Name of the file. */
  readonly name?: string;
  /** SHA-256 of the file, in hexadecimal. */
  readonly sha256?: string;
}

export interface PlannedUnits {
  readonly layer: string;
  /** Indices before the cut. */
  readonly units: readonly number[];
  /** Units of the layer before the cut. */
  readonly of?: number;
}

export interface PlannedCut {
  /** As in the model file or in the module's state_dict: "layer1.0.conv1.weight". */
  readonly tensor: string;
  readonly axis: number;
  /** Indices before the cut. */
  readonly remove: readonly number[];
  /** Before the cut. */
  readonly shape?: readonly number[];
}

export interface PlannedShape {
  readonly tensor: string;
  readonly before: readonly number[];
  readonly after: readonly number[];
}

export interface PlannedAttribute {
  readonly node: string;
  /** The layer that the node makes. */
  readonly layer?: string;
  readonly attribute: string;
  readonly before?: number | readonly number[];
  readonly after: number | readonly number[];
}

/** A plan file larger than this is none, in bytes. */
export const LARGEST_PLAN = 64 << 20;

const MOST_AXES = 64;
const LONGEST_AXIS = 2 ** 31;

/** Checks what was read from JSON. Throws ProblemError, whose place is a JSON pointer. */
export function decodePlan(json: unknown, file: string): PlanFile {
  const root = new At(json, file, "").object();
  const version = root.need("version");
  if (version.value !== 1) version.wrong("expected 1: other versions need another Kaibo");
  const model = root.maybe("model", (m) => {
    const fields = m.object();
    return {
      ...present("name", fields.maybe("name", text)),
      ...present("sha256", fields.maybe("sha256", hash)),
    };
  });
  const units = root.maybe("units", (v) => distinct(v.list(unitsOf), v, ({ layer }) => layer));
  const tensors = root.maybe("tensors", (v) =>
    distinct(v.list(cutOf), v, ({ tensor, axis }) => `${tensor}, axis ${axis}`),
  );
  if (units === undefined && tensors === undefined)
    return fail("bad-request", `expected "units" or "tensors": what goes`, file);
  const shapes = root.maybe("shapes", (v) => v.list(shapeOf));
  const rewritten = root.maybe("rewritten", (v) => v.list(text));
  const attributes = root.maybe("attributes", (v) => v.list(attributeOf));
  const cost = root.maybe("cost", (v) => v.object().fields);
  return {
    version: 1,
    ...present("model", model),
    ...present("units", units),
    ...present("tensors", tensors),
    ...present("shapes", shapes),
    ...present("rewritten", rewritten),
    ...present("attributes", attributes),
    ...present("cost", cost),
  };
}

/** A value in the file, and its JSON pointer. */
class At {
  readonly value: unknown;
  readonly file: string;
  readonly pointer: string;

  constructor(value: unknown, file: string, pointer: string) {
    this.value = value;
    this.file = file;
    this.pointer = pointer;
  }

  wrong(message: string): never {
    return fail("bad-request", message, this.file, this.pointer === "" ? "/" : this.pointer);
  }

  object(): Fields {
    const { value } = this;
    if (typeof value !== "object" || value === null || Array.isArray(value))
      return this.wrong("expected an object");
    return new Fields(this, value);
  }

  list<T>(each: (item: At) => T): readonly T[] {
    if (!Array.isArray(this.value)) return this.wrong("expected a list");
    return this.value.map((item, i) => each(new At(item, this.file, `${this.pointer}/${i}`)));
  }
}

class Fields {
  readonly fields: object;
  readonly #at: At;

  constructor(at: At, fields: object) {
    this.#at = at;
    this.fields = fields;
  }

  maybe<T>(key: string, read: (value: At) => T): T | undefined {
    if (!Object.hasOwn(this.fields, key)) return undefined;
    return read(this.#child(key));
  }

  need(key: string): At {
    if (!Object.hasOwn(this.fields, key)) this.#at.wrong(`expected "${key}"`);
    return this.#child(key);
  }

  #child(key: string): At {
    const value = (this.fields as Readonly<Record<string, unknown>>)[key];
    return new At(value, this.#at.file, `${this.#at.pointer}/${key}`);
  }
}

function text(at: At): string {
  if (typeof at.value !== "string" || at.value === "") return at.wrong("expected a name");
  return at.value;
}

function hash(at: At): string {
  const found = text(at).toLowerCase();
  return /^[0-9a-f]{64}$/.test(found) ? found : at.wrong("expected 64 hexadecimal digits");
}

const within = (from: number, to: number, expected: string) => (at: At) => {
  const { value } = at;
  if (!Number.isInteger(value) || (value as number) < from || (value as number) >= to)
    return at.wrong(`expected ${expected}`);
  return value as number;
};

const index = within(0, LONGEST_AXIS, "an index: a whole number from 0");
const length = within(0, LONGEST_AXIS, "a length: a whole number from 0");
const integer = within(-(2 ** 53), 2 ** 53, "a whole number");

/** Ascending, each once. */
const indices = (at: At): readonly number[] => [...new Set(at.list(index))].sort((a, b) => a - b);

function unitsOf(at: At): PlannedUnits {
  const fields = at.object();
  const layer = text(fields.need("layer"));
  const units = indices(fields.need("units"));
  return { layer, units, ...present("of", fields.maybe("of", length)) };
}

function cutOf(at: At): PlannedCut {
  const fields = at.object();
  const tensor = text(fields.need("tensor"));
  const axis = within(0, MOST_AXES, "an axis: a whole number from 0")(fields.need("axis"));
  const remove = indices(fields.need("remove"));
  const shape = fields.maybe("shape", (v) => v.list(length));
  return { tensor, axis, remove, ...present("shape", shape) };
}

function shapeOf(at: At): PlannedShape {
  const fields = at.object();
  const tensor = text(fields.need("tensor"));
  const [before, after] = ["before", "after"].map((key) => fields.need(key).list(integer));
  return { tensor, before, after };
}

function attributeOf(at: At): PlannedAttribute {
  const fields = at.object();
  const value = (v: At) => (Array.isArray(v.value) ? v.list(integer) : integer(v));
  return {
    node: text(fields.need("node")),
    ...present("layer", fields.maybe("layer", text)),
    attribute: text(fields.need("attribute")),
    ...present("before", fields.maybe("before", value)),
    after: value(fields.need("after")),
  };
}

function distinct<T>(items: readonly T[], at: At, key: (item: T) => string): readonly T[] {
  const seen = new Set<string>();
  items.forEach((item, i) => {
    if (seen.has(key(item)))
      fail(
        "bad-request",
        `${key(item)} is there twice: put it together`,
        at.file,
        `${at.pointer}/${i}`,
      );
    seen.add(key(item));
  });
  return items;
}

const present = <K extends string, T>(key: K, value: T | undefined): { readonly [k in K]?: T } =>
  value === undefined ? {} : ({ [key]: value } as { [k in K]: T });
