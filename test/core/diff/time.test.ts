import assert from "node:assert/strict";
import { diffModels } from "#core/diff/diff.ts";
import type { Model } from "#core/formats/model.ts";
import { constant, type Graph, type Value } from "#core/ir/graph.ts";
import { float32 } from "#core/ir/tensor.ts";
import { image, op } from "../../support/build.ts";

const WIDTH = 1024;
const LAYERS = 25;

/** Dense layers of 100 MiB together; without a unit of the first and the columns that read it. */
function net(gone: number | undefined): Graph {
  const x: Value = image("N", WIDTH);
  let y = x;
  for (let k = 0; k < LAYERS; k++) {
    const lost = (at: number) => (at === k ? gone : undefined);
    const [row, column] = [lost(0), lost(1)];
    const keep = (without: number | undefined) => (i: number) => i !== without;
    const rows = [...Array(WIDTH).keys()].filter(keep(row));
    const columns = [...Array(WIDTH).keys()].filter(keep(column));
    const data = new Float32Array(rows.length * columns.length);
    let at = 0;
    for (const u of rows)
      for (const i of columns)
        data[at++] = (Math.imul((k * WIDTH + u) * WIDTH + i, 0x9e3779b1) | 0) / 2 ** 31;
    const w = constant(float32([rows.length, columns.length], data), `fc${k}.weight`);
    y = op("Relu", {}, [op("Gemm", { transB: 1 }, [y, w], `fc${k}`)], `relu${k}`);
  }
  return { inputs: [x], outputs: [y] };
}

const model = (graph: Graph): Model => ({
  format: "onnx",
  name: "m",
  graph,
  partial: false,
  facts: { dialect: "", producer: "", docString: "", metadata: new Map(), widened: [], nodes: 0 },
  names: new Map(),
  origins: new Map(),
  parameters: 0,
});

describe("comparing models of 100 MiB", function () {
  this.timeout(60_000);

  it("takes 3 s of one core", () => {
    const [before, after] = [model(net(undefined)), model(net(7))];
    const { user } = process.cpuUsage();
    const diff = diffModels(before, after);
    const seconds = (process.cpuUsage().user - user) / 1e6;
    const [first] = diff.layers;
    assert.ok(first?.kind === "matched");
    assert.deepEqual(first.units.removed, [7]);
    assert.ok(
      diff.layers.slice(1).every((l) => l.kind === "matched" && l.units.changed.length === 0),
    );
    assert.ok(seconds <= 3, `${seconds} s`);
  });
});
