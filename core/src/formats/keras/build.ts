import { input, type Node, topological, type Value } from "../../ir/graph.ts";
import { type DType, isFloat, type Shape, size } from "../../ir/tensor.ts";
import { type Limits, many, refuseOver } from "../../limits.ts";
import { InvalidNode } from "../../ops/operator.ts";
import { fail, type Problem, ProblemError, problem } from "../../problem.ts";
import { Ends } from "../ends.ts";
import type { FormatName, Model, Origin } from "../model.ts";
import { type Called, callOf } from "./call.ts";
import { type Held, Layouts, plain, shapeOf } from "./held.ts";
import { isRecord, type JsonRecord, list, record, text } from "./json.ts";
import { type Building, Layer, Unsupported } from "./layer.ts";
import { classOf, isModel, lowerOf, type ModelConfig, modelOf } from "./modelConfig.ts";
import type { LayerPlace, WeightSource } from "./weightSource.ts";

/** What the file says besides its layers. */
export interface BuildOptions {
  /** Name of the file, for messages and for the model. */
  readonly file: string;
  readonly format: FormatName;
  /** "keras 3.15.1, .keras". */
  readonly dialect: string;
  /** "keras 2.4.0": what Keras 3 does otherwise than Keras 2 goes by it. */
  readonly producer: string;
  readonly metadata?: ReadonlyMap<string, string>;
  /** For how many layers it may call. */
  readonly limits: Limits;
}

export interface Built {
  readonly model: Model;
  readonly problems: readonly Problem[];
  /**
   * What the file calls each named constant of the graph. undefined: it is not stored: a length that
   * the configuration has ("reshape/target_shape"), or the ones and zeros of a variable that is left out.
   */
  readonly stored: ReadonlyMap<string, string | undefined>;
  /** By layer path ("block1/conv"): its calls by number (there may be gaps), with shapes as Keras has them. */
  readonly calls: ReadonlyMap<string, readonly Call[]>;
}

export interface Call {
  readonly inputs: readonly Shape[];
  readonly outputs: readonly Shape[];
}

/**
 * Makes the graph of a Keras model: `config` is `{class_name, config}` of a Sequential or Functional
 * model, Keras 2 or 3, as parsed from JSON. Throws ProblemError where nothing can be made of it.
 */
export function buildKeras(config: unknown, weights: WeightSource, options: BuildOptions): Built {
  return new Builder(weights, options).build(config);
}

const DEEPEST = 32;

class Builder {
  readonly #options: BuildOptions;
  readonly #building: Building;
  readonly #problems: Problem[] = [];
  readonly #unsupported = new Map<string, { at: string; count: number }>();
  readonly #inputs: Value[] = [];
  readonly #frontier = new Set<Value>();
  readonly #ends = new Ends();
  readonly #names = new Map<Value, string>();
  readonly #origins = new Map<Node, Origin>();
  readonly #calls = new Map<string, Call[]>();
  #layers = 0;

  constructor(weights: WeightSource, options: BuildOptions) {
    this.#options = options;
    this.#building = {
      legacy: !/keras 3/i.test(options.producer),
      layouts: new Layouts(),
      weights,
      constants: new Map(),
      stored: new Map(),
      made: (node, layer) =>
        this.#origins.set(node, {
          index: this.#layers,
          type: layer.place.className,
          name: layer.name,
        }),
    };
  }

  build(given: unknown): Built {
    const config = record(given);
    const { file, format, dialect, producer, metadata } = this.#options;
    const className = text(config.class_name);
    if (!isModel(config))
      fail(
        "unsupported-operator",
        `the model is of the class ${className || "unknown"}, whose Python code is not in the file: save a Functional or Sequential model`,
        file,
        `model ${text(record(config.config).name)}`,
      );
    const found = this.#model(modelOf(config), [], [], undefined);
    const outputs = found.flatMap((held) =>
      held === undefined ? [] : [this.#building.layouts.plain(held)],
    );
    this.#tellUnsupported();
    if (found.length === 0) this.#problem("unreadable-model", "the model has no outputs", "model");
    const graph = { inputs: this.#inputs, outputs: [...new Set([...outputs, ...this.#frontier])] };
    const { constants, stored } = this.#building;
    for (const [name, value] of constants) this.#names.set(value, name);
    const model: Model = {
      format,
      name: file.split(/[/\\]/).at(-1) ?? file,
      graph,
      partial: this.#problems.length > 0,
      ownOutputs: new Set(outputs).size,
      ends: this.#ends.all(),
      facts: {
        dialect,
        producer,
        docString: "",
        metadata: metadata ?? new Map(),
        widened: [],
        nodes: this.#layers,
      },
      names: this.#names,
      origins: this.#origins,
      parameters: parameters(graph.outputs, stored),
    };
    return { model, problems: this.#problems, stored, calls: this.#calls };
  }

  /** The outputs of a model called with tensors; the outermost has inputs of its own. */
  #model(
    model: ModelConfig,
    path: readonly string[],
    saved: readonly string[],
    given: readonly (Held | undefined)[] | undefined,
  ): readonly (Held | undefined)[] {
    if (path.length > DEEPEST)
      fail("unreadable-model", "models are nested too deep", this.#options.file, path[0]);
    const values = new Map<string, readonly (Held | undefined)[]>();
    model.inputs.forEach((name, i) => {
      const layer = model.byName.get(name);
      values.set(`${name}/0`, [
        given === undefined ? this.#input(name, record(layer?.config)) : given[i],
      ]);
    });
    for (const { layer, name, saved: own, node, call } of model.calls(this.#options.file)) {
      if (values.has(`${name}/${node}`)) continue;
      const place: LayerPlace = {
        path: [...path, name],
        saved: own === "" ? saved : [...saved, `layers/${own}`],
        className: classOf(layer),
      };
      values.set(`${name}/${node}`, this.#call(place, layer, node, callOf(call, values)));
    }
    return model.outputs.map(({ layer, node, tensor }) => values.get(`${layer}/${node}`)?.[tensor]);
  }

  #input(name: string, config: JsonRecord): Held | undefined {
    const shape = config.batch_shape ?? config.batch_input_shape;
    const dtype = dtypeOf(config.dtype);
    if (!Array.isArray(shape) || dtype === undefined) {
      const why = dtype === undefined ? "is of no supported type" : "has no shape";
      this.#problem(
        "unreadable-model",
        `the input ${why}: save the model with inputs of fixed rank`,
        `layer ${name}`,
      );
      return undefined;
    }
    const dims = shape.map((d, i) =>
      Number.isSafeInteger(d) && Number(d) > 0 ? Number(d) : i === 0 ? "N" : `${name}.${i}`,
    );
    const value = input(name, dtype, dims);
    this.#inputs.push(value);
    this.#names.set(value, name);
    return plain(value);
  }

  #call(
    place: LayerPlace,
    layer: JsonRecord,
    node: number,
    call: Called,
  ): readonly (Held | undefined)[] {
    const at = `layer ${place.path.join("/")} (${place.className})`;
    const config = record(layer.config);
    const { limits, file } = this.#options;
    if (++this.#layers > limits.layers) {
      const has = `the model calls more than ${many(limits.layers)} layers`;
      refuseOver(limits, "layers", has, file, at);
    }
    const tensors = call.inputs.flatMap((held) => held ?? []);
    /** @param told the place where the reason is told; absent where an input is lost */
    const giveUp = (told?: string): readonly undefined[] => {
      for (const { value } of tensors) {
        this.#frontier.add(value);
        if (told !== undefined) this.#ends.add(told, value);
      }
      return [];
    };
    if (isModel(layer)) {
      const outputs = this.#model(modelOf(layer), place.path, place.saved, call.inputs);
      this.#record(
        place,
        node,
        tensors,
        outputs.flatMap((held) => held ?? []),
      );
      return outputs;
    }
    const lower = lowerOf(layer);
    if (lower === undefined) return giveUp(this.#refuse(`the layer class ${place.className}`, at));
    if (call.lost) return giveUp();
    try {
      const made = lower(
        new Layer(this.#building, place, config, {
          inputs: tensors,
          args: call.args,
          kwargs: call.kwargs,
        }),
      );
      const outputs = Array.isArray(made) ? (made as readonly Held[]) : [made as Held];
      for (const { value } of outputs) {
        checkShape(value.shape);
        if (!this.#names.has(value)) this.#names.set(value, place.path.join("/"));
      }
      this.#record(place, node, tensors, outputs);
      return outputs;
    } catch (error) {
      if (error instanceof Unsupported)
        return giveUp(this.#refuse(`${place.className}: ${error.message}`, at));
      if (error instanceof ProblemError) this.#problems.push(error.problem);
      else {
        // InvalidNode is what operators say of a layer; any other error is theirs, about a file never seen.
        const why = error instanceof Error ? error.message : String(error);
        this.#problem(
          "unreadable-model",
          error instanceof InvalidNode ? why : `${place.className} cannot be applied: ${why}`,
          at,
        );
      }
      return giveUp(at);
    }
  }

  #record(
    { path }: LayerPlace,
    node: number,
    inputs: readonly Held[],
    outputs: readonly Held[],
  ): void {
    const name = path.join("/");
    const calls = this.#calls.get(name) ?? [];
    calls[node] = { inputs: inputs.map(shapeOf), outputs: outputs.map(shapeOf) };
    this.#calls.set(name, calls);
  }

  /** @returns the place where it is told */
  #refuse(what: string, at: string): string {
    const before = this.#unsupported.get(what);
    const told = before?.at ?? at;
    this.#unsupported.set(what, { at: told, count: (before?.count ?? 0) + 1 });
    return told;
  }

  #tellUnsupported(): void {
    for (const [what, { at, count }] of this.#unsupported) {
      const more = count === 1 ? "" : `, nor ${count - 1} more such layers`;
      this.#problem(
        "unsupported-operator",
        `${what} is not supported${more}: the model is read up to there`,
        at,
      );
    }
  }

  #problem(code: Problem["code"], message: string, place: string): void {
    this.#problems.push(problem(code, message, this.#options.file, place));
  }
}

const DTYPES: ReadonlyMap<string, DType> = new Map([
  ["float32", "float32"],
  ["float64", "float64"],
  // Computed in float32, like everything of 16 bits.
  ["float16", "float32"],
  ["bfloat16", "float32"],
  ["mixed_float16", "float32"],
  ["mixed_bfloat16", "float32"],
  ["int64", "int64"],
  ["int32", "int32"],
  ["int16", "int16"],
  ["int8", "int8"],
  ["uint8", "uint8"],
  ["bool", "bool"],
]);

/** A name, or a policy that has one; float32 where there is none. */
function dtypeOf(value: unknown): DType | undefined {
  if (value === undefined || value === null) return "float32";
  return DTYPES.get(text(isRecord(value) ? record(value.config).name : value));
}

function checkShape(shape: Shape): void {
  const numbers = shape.filter((d) => typeof d === "number");
  if (numbers.some((d) => d < 0) || !Number.isSafeInteger(size(numbers)))
    throw new InvalidNode(`its result would have shape [${list(shape).join(", ")}]`);
}

/** Elements of the stored variables that the graph reads. */
function parameters(
  outputs: readonly Value[],
  stored: ReadonlyMap<string, string | undefined>,
): number {
  let count = 0;
  for (const { operator, outputs: made, name } of topological(outputs))
    if (operator === "constant" && stored.get(name) !== undefined && isFloat(made[0].dtype))
      count += size(made[0].shape as readonly number[]);
  return count;
}
