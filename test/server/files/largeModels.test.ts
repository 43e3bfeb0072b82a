import assert from "node:assert/strict";
import { open, writeFile } from "node:fs/promises";
import { delimited, type Pieces, tagged, varint } from "#core/formats/onnx/pieces.ts";
import { writeListing } from "#core/listing/write.ts";
import { describe as show } from "#core/problem.ts";
import { openModel } from "#server/files/openModel.ts";
import { viewModel } from "#server/operations/view.ts";
import * as f from "../../core/formats/support.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const MIB = 2 ** 20;
const GIB = 2 ** 30;

/** What opening a file and writing its listing takes. Limits are wide: machines differ and are shared. */
async function listed(path: string) {
  const cpu = process.cpuUsage();
  const rss = process.memoryUsage.rss();
  const opened = await openModel(path);
  try {
    assert.deepEqual(opened.problems.map(show), []);
    const view = viewModel(opened.model!, opened.problems);
    const { text } = writeListing(view);
    const { user, system } = process.cpuUsage(cpu);
    return {
      view,
      text,
      seconds: (user + system) / 1e6,
      mebibytes: (process.memoryUsage.rss() - rss) / MIB,
    };
  } finally {
    await opened.close();
  }
}

describe("large models", function () {
  this.timeout(120_000);

  const folder = temporaryFolder();
  after(() => folder.remove());

  it("lists a graph of 31,000 nodes with computed shapes", async () => {
    const path = folder.file("nodes.onnx");
    await writeFile(path, manyNodes(3100));
    const { view, text, seconds } = await listed(path);
    assert.equal(view.layers.length, 3100);
    assert.match(text, /layer blocks\.3099\.fc {2}MatMul/);
    assert.ok(seconds < 15, `${seconds} s of CPU`);
  });

  it("lists a file of 100 MiB without reading its weights", async () => {
    const path = folder.file("heavy.onnx");
    const count = 25;
    const bytes = 1024 * 1024 * 4;
    // The weights are holes in the file: only what is read takes time and memory.
    await writeParts(
      path,
      chain(count, (name) => rawTensor(name, bytes)),
    );
    const { view, seconds, mebibytes } = await listed(path);
    assert.equal(view.layers.length, count);
    assert.equal(view.parameters, count * 1024 * 1024);
    assert.ok(seconds < 3, `${seconds} s of CPU`);
    assert.ok(mebibytes < 150, `${mebibytes} MiB`);
  });

  it("opens a model with more than 2 GiB of external data", async () => {
    const path = folder.file("big.onnx");
    const bytes = 1024 * 1024 * 4;
    const count = 640;
    await writeParts(
      path,
      chain(count, (name, i) => externalTensor(name, i * bytes, bytes)),
    );
    await writeParts(folder.file("weights.bin"), [count * bytes]);
    assert.ok(count * bytes > 2 * GIB);
    const { view, mebibytes } = await listed(path);
    assert.equal(view.parameters, count * 1024 * 1024);
    assert.ok(mebibytes < 600, `${mebibytes} MiB`);
  });
});

/** Residual blocks of ten nodes each, four of which compute the target of a Reshape. */
function manyNodes(blocks: number): Uint8Array {
  const nodes: Pieces[] = [];
  const tensors: Pieces[] = [
    f.int64s("zero", [0]),
    f.int64s("minus", [-1]),
    f.int64s("width", [4]),
    f.floats("norm", [4], [1, 2, 3, 4]),
  ];
  let x = "x";
  for (let b = 0; b < blocks; b++) {
    const at = (name: string) => `blocks.${b}.${name}`;
    const add = (type: string, inputs: string[], output: string, attributes: Pieces[] = []) =>
      nodes.push(f.nodeOf(type, inputs, [at(output)], attributes, { name: at(type + output) }));
    tensors.push(
      f.floats(at("fc.weight"), [4, 4], f.range(16)),
      f.floats(at("fc.bias"), [4], f.range(4)),
    );
    add("Shape", [x], "shape");
    add("Gather", [at("shape"), "zero"], "batch");
    add("Concat", [at("batch"), "minus", "width"], "target", [f.intAttr("axis", 0)]);
    add("Cast", [at("target")], "cast", [f.intAttr("to", 7)]);
    add("Reshape", [x, at("cast")], "shaped");
    add("MatMul", [at("shaped"), at("fc.weight")], "product");
    add("Add", [at("product"), at("fc.bias")], "sum");
    add("Relu", [at("sum")], "active");
    add("Mul", [at("active"), "norm"], "scaled");
    add("Add", [x, at("scaled")], "out");
    x = at("out");
  }
  return f.fileOf({
    opset: 17,
    nodes,
    tensors,
    inputs: [f.info("x", ["batch", 8, 4])],
    outputs: [f.info(x, ["batch", 8, 4])],
  });
}

/** Bytes to write, or a hole of that many. */
type Part = Uint8Array | number;

/** A chain of dense layers of 1024 units, whose weights are as given. */
function chain(count: number, weights: (name: string, index: number) => readonly Part[]): Part[] {
  const nodes = f.range(count).flatMap((i) => {
    const from = i === 0 ? "x" : `h${i - 1}`;
    return delimited(1, f.nodeOf("MatMul", [from, `fc${i}.weight`], [`h${i}`]));
  });
  const tensors = f.range(count).flatMap((i): Part[] => {
    const content = weights(`fc${i}.weight`, i);
    return [tagged(5, lengthOf(content)), ...content];
  });
  const graph: Part[] = [
    ...nodes,
    ...tensors,
    ...delimited(11, f.info("x", ["batch", 1024])),
    ...delimited(12, f.info(`h${count - 1}`, ["batch", 1024])),
  ];
  return [varint(1, 8), tagged(7, lengthOf(graph)), ...graph, ...delimited(8, [varint(2, 17)])];
}

const lengthOf = (parts: readonly Part[]): number =>
  parts.reduce<number>((n, p) => n + (typeof p === "number" ? p : p.length), 0);

const dims = [varint(1, 1024), varint(1, 1024), varint(2, 1)];

const rawTensor = (name: string, bytes: number): Part[] => [
  ...dims,
  ...delimited(8, name),
  tagged(9, bytes),
  bytes,
];

const externalTensor = (name: string, offset: number, bytes: number): Part[] => {
  const entry = (key: string, value: string) =>
    delimited(13, [...delimited(1, key), ...delimited(2, value)]);
  return [
    ...dims,
    ...delimited(8, name),
    ...entry("location", "weights.bin"),
    ...entry("offset", String(offset)),
    ...entry("length", String(bytes)),
    varint(14, 1),
  ];
};

async function writeParts(path: string, parts: readonly Part[]): Promise<void> {
  const file = await open(path, "w");
  try {
    let at = 0;
    for (const part of parts) {
      if (typeof part !== "number") await file.write(part, 0, part.length, at);
      at += typeof part === "number" ? part : part.length;
    }
    await file.truncate(at);
  } finally {
    await file.close();
  }
}
