import assert from "node:assert/strict";
import { randomInputs } from "#core/data/randomInputs.ts";
import { constant, type Graph, input, type Value } from "#core/ir/graph.ts";
import { float32, int64, type Tensor } from "#core/ir/tensor.ts";
import { op, weights } from "../../support/build.ts";

const drawn = (graph: Graph, seed = 1): readonly Tensor[] => randomInputs(graph, seed);
const of = (outputs: readonly Value[], ...inputs: readonly Value[]): Graph => ({ inputs, outputs });

describe("random inputs", () => {
  it("are standard normal, and the same for the same seed", () => {
    const x = input("x", "float32", [4, 5000]);
    const graph = of([op("Relu", {}, [x])], x);
    const [found] = drawn(graph);
    const values = Array.from(found!.data);
    const mean = values.reduce((a, b) => a + b, 0) / values.length;
    const square = values.reduce((a, b) => a + b * b, 0) / values.length;
    assert.ok(Math.abs(mean) < 0.03 && Math.abs(square - 1) < 0.05, `${mean}, ${square}`);
    assert.ok(found!.data instanceof Float32Array);
    assert.deepEqual(found!.shape, [4, 5000]);
    assert.deepEqual(drawn(graph), drawn(graph));
    assert.notDeepEqual(drawn(graph), drawn(graph, 2));
  });

  it("are below the length of the shortest table that they are looked up in", () => {
    const ids = input("ids", "int64", [8, 50]);
    const long = op("Gather", {}, [weights([30, 3], 1), ids]);
    const flat = op("Reshape", {}, [
      op("Cast", { to: "int64" }, [ids]),
      constant(int64([1], [400])),
    ]);
    const short = op("Gather", { axis: 1 }, [weights([2, 11], 2), flat]);
    const [found] = drawn(of([long, short], ids));
    assert.ok(found!.data instanceof Float64Array);
    assert.deepEqual(
      [...new Set(found!.data)].sort((a, b) => a - b),
      [...Array(11).keys()],
    );
    const [alone] = drawn(of([long], ids));
    assert.equal(Math.max(...alone!.data), 29);
  });

  it("are below the depth of a one-hot, and the lengths that GatherND takes", () => {
    const ids = input("ids", "int32", [300]);
    const values = constant(float32([2], [0, 1]));
    const hot = op("OneHot", { depth: 7 }, [ids, values]);
    assert.equal(Math.max(...drawn(of([hot], ids))[0]!.data), 6);
    const places = input("places", "int64", [300, 2]);
    const picked = op("GatherND", {}, [weights([9, 4, 2], 1), places]);
    assert.equal(Math.max(...drawn(of([picked], places))[0]!.data), 3);
  });

  it("are 0 or 1 for masks, and all bytes for bytes", () => {
    const mask = input("mask", "int64", [2, 40]);
    const on = input("on", "bool", [2, 40]);
    const bytes = input("bytes", "uint8", [2, 4000]);
    const outputs = [
      op("Cast", { to: "float32" }, [mask]),
      op("Not", {}, [on]),
      op("Cast", { to: "float32" }, [bytes]),
    ];
    const [first, second, third] = drawn(of(outputs, mask, on, bytes));
    assert.deepEqual(new Set(first!.data), new Set([0, 1]));
    assert.deepEqual(new Set(second!.data), new Set([0, 1]));
    assert.ok(second!.data instanceof Uint8Array);
    assert.ok(Math.max(...third!.data) > 250);
  });
});
