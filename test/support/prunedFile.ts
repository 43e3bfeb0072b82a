import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { fold } from "#core/compile/fold.ts";
import { randomInputs } from "#core/data/randomInputs.ts";
import type { EditedFile } from "#core/formats/format.ts";
import type { Model } from "#core/formats/model.ts";
import { loadWeights } from "#core/formats/weights.ts";
import { type Graph, input, type Node, type Value } from "#core/ir/graph.ts";
import { bindLengths } from "#core/ir/lengths.ts";
import { rebuild } from "#core/ir/rewrite.ts";
import { isFloat, known, type Tensor, typed } from "#core/ir/tensor.ts";
import { mul } from "#core/ops/mul.ts";
import type { Operator } from "#core/ops/operator.ts";
import { reshapeTo } from "#core/ops/reshape.ts";
import { describe as show } from "#core/problem.ts";
import type { Mask, PrunePlan } from "#core/prune/plan.ts";
import type { Program, Runtime } from "#core/runtime/runtime.ts";
import { type OpenModel, readModel } from "#server/files/openModel.ts";

/** Open lengths: of samples, and others. */
const LEADING = 2;
const OTHER = 9;

/** A graph with numbers for its open lengths, constants folded. */
export function whole(graph: Graph): Graph {
  const lengths = new Map<string, number>();
  for (const { shape } of graph.inputs)
    shape.forEach((d, axis) => {
      if (typeof d === "string" && !(axis > 0 && lengths.has(d)))
        lengths.set(d, axis === 0 ? LEADING : OTHER);
    });
  return fold(bindLengths(graph, lengths).graph);
}

export const inputsFor = (graph: Graph, seed: number): readonly Tensor[] =>
  randomInputs(whole(graph), seed);

/** The file without the units, written into a folder, and what is read there. */
export async function writePruned(
  opened: OpenModel,
  path: string,
  { edits }: PrunePlan,
  folder: string,
): Promise<{ readonly path: string; readonly model: Model }> {
  const { file, others = [], problems } = await opened.edit(edits);
  assert.deepEqual(problems.map(show), []);
  const place = (name: string) => join(folder, name);
  for (const other of others) {
    mkdirSync(dirname(place(other.path)), { recursive: true });
    writeFileSync(place(other.path), await bytesOf(other.file));
  }
  writeFileSync(place(basename(path)), await bytesOf(file!));
  const model = await readModel(place(basename(path)));
  await loadWeights(model.graph);
  return { path: place(basename(path)), model };
}

async function bytesOf(file: EditedFile): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  for await (const piece of file.pieces()) pieces.push(piece);
  const bytes = new Uint8Array(Buffer.concat(pieces));
  assert.equal(bytes.length, file.size);
  return bytes;
}

/** The original with the masks of any of the plans: compiled once. */
export class MaskedOriginal {
  readonly #places: readonly Place[];
  readonly #program: Program;

  private constructor(places: readonly Place[], program: Program) {
    this.#places = places;
    this.#program = program;
  }

  static async of(
    graph: Graph,
    plans: readonly PrunePlan[],
    runtime: Runtime,
  ): Promise<MaskedOriginal> {
    const places = placesOf(plans);
    const maskable = rebuild(graph, (node, inputs) => {
      const own = places.filter((p) => p.node === node);
      if (own.length === 0) return undefined;
      const now = [...inputs];
      for (const p of own) {
        const value = now[p.input]!;
        now[p.input] = mul({}, value, along(p, value));
      }
      return (node.operator as Operator).node(node.attrs, now, node.name).outputs;
    }).graph;
    const inputs = [...graph.inputs, ...places.map((p) => p.vector)];
    const program = await runtime.compile(whole({ inputs, outputs: maskable.outputs }));
    return new MaskedOriginal(places, program);
  }

  async run(
    inputs: readonly Tensor[],
    { masks }: Pick<PrunePlan, "masks">,
  ): Promise<readonly Tensor[]> {
    const factors = this.#places.map(({ node, input, axis, vector }) => {
      const mask = masks.find((m) => m.node === node && m.input === input && m.axis === axis);
      const gone = new Set(mask?.indices);
      const [length] = known(vector.shape);
      const values = Float64Array.from({ length: length! }, (_, i) => (gone.has(i) ? 0 : 1));
      return typed({ dtype: vector.dtype, shape: [length!] }, values);
    });
    return this.#program.run([...inputs, ...factors]);
  }

  release(): Promise<void> {
    return this.#program.release();
  }
}

interface Place extends Pick<Mask, "input" | "axis"> {
  readonly node: Node;
  /** [length]: 1, or 0 where it is masked. */
  readonly vector: Value;
}

function placesOf(plans: readonly PrunePlan[]): readonly Place[] {
  const places: Place[] = [];
  for (const { node, input: from, axis } of plans.flatMap((p) => p.masks)) {
    if (places.some((p) => p.node === node && p.input === from && p.axis === axis)) continue;
    const { dtype, shape } = node.inputs[from]!;
    const vector = input(`mask ${places.length}`, dtype, [shape[axis]!]);
    places.push({ node, input: from, axis, vector });
  }
  return places;
}

const along = ({ vector, axis }: Place, { shape }: Value): Value =>
  reshapeTo(
    vector,
    shape.map((_, d) => (d === axis ? (vector.shape[0] as number) : 1)),
  );

/** Largest |difference| of each output as a share of the output's largest value; the largest of all. */
export function relativeDifference(found: readonly Tensor[], expected: readonly Tensor[]): number {
  assert.equal(found.length, expected.length);
  let relative = 0;
  expected.forEach(({ data, shape, dtype }, i) => {
    const own = found[i]!;
    assert.deepEqual([...own.shape], [...shape], `output ${i}`);
    let [difference, largest] = [0, 0];
    for (let k = 0; k < data.length; k++) {
      difference = Math.max(difference, Math.abs(own.data[k]! - data[k]!));
      largest = Math.max(largest, Math.abs(data[k]!));
    }
    if (!isFloat(dtype)) assert.equal(difference, 0, `output ${i}, ${dtype}`);
    relative = Math.max(relative, difference === 0 ? 0 : difference / largest);
  });
  return relative;
}
