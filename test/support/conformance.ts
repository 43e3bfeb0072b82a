import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { tensorProto } from "#core/compile/encode.ts";
import type { ByteSource } from "#core/data/dataset.ts";
import { noSiblings } from "#core/formats/format.ts";
import { onnx } from "#core/formats/onnx/onnx.ts";
import { concat, delimited } from "#core/formats/onnx/pieces.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { constantOf, type Graph } from "#core/ir/graph.ts";
import { isFloat, type Tensor } from "#core/ir/tensor.ts";
import { InvalidNode } from "#core/ops/operator.ts";
import { describe as show } from "#core/problem.ts";
import type { Runtime } from "#core/runtime/runtime.ts";
import { fileOf, info, nodeOf, tensorAttr } from "../core/formats/support.ts";

/** ONNX's own operator tests, and tests of PyTorch's exporter: each a model, inputs and expected outputs. */
const GROUPS = ["node", "simple", "pytorch-operator", "pytorch-converted"] as const;
const RELATIVE = 1e-3;
const ABSOLUTE = 1e-5;

/** "pass", or why a case is refused, or in what it fails. */
export type Outcome =
  | { readonly kind: "pass" }
  | { readonly kind: "refused"; readonly because: string }
  | { readonly kind: "fail"; readonly because: string };

export interface Case {
  /** As in the ONNX repository: "node/test_relu". */
  readonly name: string;
  readonly folder: string;
}

export interface CaseResult {
  readonly name: string;
  /** Operator types in the file, each once. */
  readonly operators: readonly string[];
  /** By the name of the runtime. */
  readonly outcomes: ReadonlyMap<string, Outcome>;
}

/** undefined: the tests are not on this machine. */
export function conformanceCases(): readonly Case[] | undefined {
  const root = resolve(process.env.KAIBO_DATA ?? "../shared/data", "onnx-backend-tests");
  if (!existsSync(root)) return undefined;
  return GROUPS.flatMap((group) =>
    readdirSync(join(root, group))
      .sort()
      .map((name) => ({ name: `${group}/${name}`, folder: join(root, group, name) })),
  );
}

export async function runCase(
  { name, folder }: Case,
  runtimes: readonly Runtime[],
): Promise<CaseResult> {
  const bytes = new Uint8Array(readFileSync(join(folder, "model.onnx")));
  const inputs = await tensors(folder, "input");
  const expected = await tensors(folder, "output");
  const { operators } = structure(bytes);
  const outcomes = new Map<string, Outcome>();
  const all = (outcome: Outcome): CaseResult => {
    for (const { name } of runtimes) outcomes.set(name, outcome);
    return { name, operators, outcomes };
  };
  if (inputs === undefined || expected === undefined)
    return all(
      refused(
        "an input or output is a sequence, optional, or of an element type that is not supported",
      ),
    );
  const read = await readCase(bytes, inputs);
  if ("because" in read) return all(read);
  for (const runtime of runtimes)
    outcomes.set(runtime.name, await outcomeOf(runtime, read, expected));
  return { name, operators, outcomes };
}

type Refused = Extract<Outcome, { readonly kind: "refused" }>;

const refused = (because: string): Refused => ({ kind: "refused", because });
const fail = (because: string): Outcome => ({ kind: "fail", because });

interface Given {
  readonly graph: Graph;
  readonly feeds: readonly Tensor[];
}

/**
 * As the file stands; else with what counts or selects (integers, truth values) as constants, which is
 * how models carry it; else with all inputs but the first as constants (the scales of Resize).
 */
async function readCase(bytes: Uint8Array, inputs: readonly Tensor[]): Promise<Given | Refused> {
  const names = structure(bytes).inputs;
  let first: Refused | undefined;
  for (const fixed of [
    () => false,
    (i: number) => !isFloat(inputs[i]!.dtype),
    (i: number) => i > 0,
  ]) {
    const constants = names.flatMap((name, i) =>
      inputs[i] !== undefined && fixed(i) ? [{ name, tensor: inputs[i]! }] : [],
    );
    const { model, problems } = await onnx.read(
      sourceOf(withConstants(bytes, constants)),
      noSiblings,
    );
    if (model !== undefined && problems.length === 0) {
      await loadWeights(model.graph);
      const feeds = model.graph.inputs.map((v) => inputs[names.indexOf(v.node.name)]!);
      return { graph: model.graph, feeds };
    }
    first ??= refused(problems.map((p) => show(p).replaceAll("\n", " ")).join("; "));
  }
  return first!;
}

async function outcomeOf(
  runtime: Runtime,
  { graph, feeds }: Given,
  expected: readonly Tensor[],
): Promise<Outcome> {
  let found: readonly Tensor[];
  try {
    const program = await runtime.compile(graph);
    found = await program.run(feeds);
    await program.release();
  } catch (error) {
    const { message } = error as Error;
    const line = message.split("\n")[0]!;
    const named =
      error instanceof InvalidNode || /NOT_IMPLEMENTED|Could not find an impl/.test(message);
    return named ? refused(line) : fail(line);
  }
  for (const [i, want] of expected.entries()) {
    const own = found[i];
    const wrong = own === undefined ? "it is missing" : differs(own, want);
    if (wrong !== undefined) return fail(`output ${i}: ${wrong}`);
  }
  return { kind: "pass" };
}

function differs(own: Tensor, want: Tensor): string | undefined {
  if (own.dtype !== want.dtype) return `${own.dtype}, not ${want.dtype}`;
  if (own.shape.join() !== want.shape.join()) return `shape [${own.shape}], not [${want.shape}]`;
  for (let k = 0; k < want.data.length; k++) {
    const [a, b] = [own.data[k]!, want.data[k]!];
    const near = Math.abs(a - b) <= ABSOLUTE + RELATIVE * Math.abs(b);
    if (!near && !Object.is(a, b) && a !== b) return `[${k}] is ${a}, not ${b}`;
  }
  return undefined;
}

const sourceOf = (bytes: Uint8Array): ByteSource => ({
  name: "model.onnx",
  size: bytes.length,
  read: async (offset, length) => bytes.slice(offset, offset + length),
});

/** Names of the graph's inputs that are not initialisers, and the operator types; read by itself. */
function structure(bytes: Uint8Array) {
  const graph = fieldsOf(bytes).filter((f) => f.number === GRAPH);
  const parts = graph.flatMap((g) => fieldsOf(g.content));
  const texts = (part: number, field: number) =>
    parts
      .filter((f) => f.number === part)
      .flatMap((f) => fieldsOf(f.content).filter((own) => own.number === field))
      .map((f) => new TextDecoder().decode(f.content));
  const initial = new Set(texts(INITIALIZER, 8));
  return {
    inputs: texts(INPUT, 1).filter((name) => !initial.has(name)),
    operators: [...new Set(texts(NODE, 4))].sort(),
  };
}

/** Field numbers of ModelProto and GraphProto. */
const [GRAPH, NODE, INITIALIZER, INPUT] = [7, 1, 5, 11];

/** The model with tensors for some of its inputs: they are appended to its graph. */
function withConstants(
  bytes: Uint8Array,
  constants: readonly { readonly name: string; readonly tensor: Tensor }[],
): Uint8Array {
  if (constants.length === 0) return bytes;
  const added = constants.flatMap(({ name, tensor }) =>
    delimited(INITIALIZER, tensorProto(tensor, name)),
  );
  return concat(
    fieldsOf(bytes).flatMap(({ number, content, whole }) =>
      number === GRAPH ? delimited(GRAPH, [content, ...added]) : [whole],
    ),
  );
}

interface Field {
  readonly number: number;
  /** What is length-delimited; empty for numbers. */
  readonly content: Uint8Array;
  readonly whole: Uint8Array;
}

/** The fields of a protobuf message, in order. */
function fieldsOf(bytes: Uint8Array): readonly Field[] {
  const fields: Field[] = [];
  for (let at = 0; at < bytes.length; ) {
    const start = at;
    const [tag, afterTag] = varintAt(bytes, at);
    const wire = tag & 7;
    const [value, afterValue] =
      wire === 5 || wire === 1 ? [0, afterTag] : varintAt(bytes, afterTag);
    at = wire === 2 ? afterValue + value : afterValue + (wire === 5 ? 4 : wire === 1 ? 8 : 0);
    fields.push({
      number: tag >>> 3,
      content: bytes.subarray(afterValue, wire === 2 ? at : afterValue),
      whole: bytes.subarray(start, at),
    });
  }
  return fields;
}

function varintAt(bytes: Uint8Array, from: number): [value: number, after: number] {
  let value = 0;
  for (let at = from, scale = 1; ; at++, scale *= 128) {
    value += (bytes[at]! & 127) * scale;
    if (bytes[at]! < 128) return [value, at + 1];
  }
}

/** The TensorProto files of a case in order; undefined where one holds no tensor. */
async function tensors(folder: string, kind: "input" | "output"): Promise<Tensor[] | undefined> {
  const set = join(folder, "test_data_set_0");
  const files = readdirSync(set).filter((f) => f.startsWith(`${kind}_`));
  const all: Tensor[] = [];
  for (let i = 0; i < files.length; i++) {
    const tensor = await readTensor(new Uint8Array(readFileSync(join(set, `${kind}_${i}.pb`))));
    if (tensor === undefined) return undefined;
    all.push(tensor);
  }
  return all;
}

/** A serialised TensorProto, read as the value of a Constant; undefined for types that Kaibo has not. */
export async function readTensor(bytes: Uint8Array): Promise<Tensor | undefined> {
  const value = nodeOf("Constant", [], ["y"], [tensorAttr("value", [bytes])]);
  const file = fileOf({ nodes: [value], outputs: [info("y", [])] });
  const { model, problems } = await onnx.read(sourceOf(file), noSiblings);
  const y = model?.graph.outputs[0];
  if (model === undefined || y === undefined || problems.length > 0) return undefined;
  await loadWeights(model.graph);
  return constantOf(y);
}

/** By operator type: in how many cases it occurs, and how many of them each runtime passes. */
export type ConformanceTable = Readonly<
  Record<string, { readonly cases: number; readonly passed: Readonly<Record<string, number>> }>
>;

/** The counts that docs/operators.md shows; `npm run docs:operators` writes them where the tests are. */
export const conformanceFile = fileURLToPath(
  new URL("../runtime/conformance.json", import.meta.url),
);

/** The key of the sums over all cases. */
export const ALL = "all";

export function tableOf(results: readonly CaseResult[]): ConformanceTable {
  const table: Record<string, { cases: number; passed: Record<string, number> }> = {};
  for (const { operators, outcomes } of results)
    for (const type of [ALL, ...operators]) {
      table[type] ??= { cases: 0, passed: {} };
      const { passed } = table[type];
      table[type].cases++;
      for (const [runtime, { kind }] of outcomes)
        passed[runtime] = (passed[runtime] ?? 0) + (kind === "pass" ? 1 : 0);
    }
  const byName = Object.entries(table).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(byName);
}

/** Cases whose difference is understood and meant to be. Nothing else may fail. */
export const EXPLAINED: readonly {
  readonly name: string;
  readonly runtimes: readonly string[];
  readonly because: string;
}[] = [
  ...["linear", "cubic"].map((mode) => ({
    name: `node/test_resize_downsample_scales_${mode}_align_corners`,
    runtimes: ["reference", "onnxruntime", "tfjs"],
    because:
      "corners are aligned with the length that the result has, as in ONNX Runtime and PyTorch; ONNX's own implementation takes scale × length before it is rounded",
  })),
  {
    name: "node/test_dynamicquantizelinear",
    runtimes: ["reference"],
    because: "the quotient −127.5 is a tie in float64 and −127.49999 in float32",
  },
];

export const isExplained = (name: string, runtime: string): boolean =>
  EXPLAINED.some((e) => e.name === name && e.runtimes.includes(runtime));
