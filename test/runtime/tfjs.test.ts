import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import * as tf from "@tensorflow/tfjs-core";
import { constant, type Graph, type Value } from "#core/ir/graph.ts";
import { float32, type Tensor } from "#core/ir/tensor.ts";
import type { Runtime } from "#core/runtime/runtime.ts";
import { engine } from "#server/runtime/engines.ts";
import { image, normal, normalisation, op, weights } from "../support/build.ts";
import { bundle } from "../support/bundles.ts";
import { assertRelative } from "../support/numbers.ts";
import { softmaxMlp } from "../support/pytorch.ts";

describe("TensorFlow.js", function () {
  this.timeout(60_000);
  let runtime: Runtime;
  before(async () => {
    runtime = await engine("tfjs");
  });

  /** A residual block: its layouts change to channels last and back. */
  function block(): Graph {
    const x = image(2, 4, 6, 6);
    const conv = (v: Value, seed: number) =>
      op("Conv", { pads: [1, 1, 1, 1] }, [v, weights([4, 4, 3, 3], seed)]);
    const norm = op("BatchNormalization", {}, [conv(x, 1), ...normalisation(4, 2, "bn")]);
    const y = op("Add", {}, [conv(op("Relu", {}, [norm]), 5), x]);
    const flat = op("Flatten", { axis: 1 }, [op("MaxPool", { kernel_shape: [2, 2] }, [y])]);
    return { inputs: [x], outputs: [y, flat] };
  }

  it("says which backend it uses", () => {
    assert.match(runtime.backend!, /^(tensorflow|wasm|cpu)/);
  });

  it("keeps no tensor of a run, and none at all when it is released", async () => {
    const start = tf.memory().numTensors;
    const program = await runtime.compile(block());
    const x = normal([2, 4, 6, 6], 9);
    await program.run([x]);
    const { numTensors, numBytes } = tf.memory();
    for (let i = 0; i < 5; i++) await program.run([x]);
    assert.deepEqual([tf.memory().numTensors, tf.memory().numBytes], [numTensors, numBytes]);
    await program.release();
    assert.equal(tf.memory().numTensors, start);
  });

  it("keeps no tensor of a run that fails", async () => {
    const x = image(2, 3);
    const bad = { dtype: "int64", shape: [1], data: Float64Array.of(7) } as const;
    const y = op("Gather", { axis: 1 }, [op("Relu", {}, [x]), constant(bad)]);
    const program = await runtime.compile({ inputs: [x], outputs: [y] });
    const start = tf.memory().numTensors;
    await assert.rejects(program.run([normal([2, 3], 1)]), /index 7 of axis 1 is out of range/);
    assert.equal(tf.memory().numTensors, start);
    await program.release();
  });

  it("gives an input back that is an output, and one value twice", async () => {
    const x = image(2);
    const y = op("Relu", {}, [x]);
    const program = await runtime.compile({ inputs: [x], outputs: [x, y, y] });
    const results = await program.run([float32([2], [-1, 3])]);
    assert.deepEqual(
      results.map((t: Tensor) => [...t.data]),
      [
        [-1, 3],
        [0, 3],
        [0, 3],
      ],
    );
    await program.release();
  });

  it("gives the same importance in JavaScript as in WebAssembly", () => {
    const [cpu, wasm] = ["cpu", "wasm"].map((backend) => importanceBy(backend));
    assert.deepEqual([cpu!.engine, wasm!.engine], ["tfjs (cpu)", "tfjs (wasm)"]);
    cpu!.layers.forEach(({ name, importance }, i) => {
      const tolerance = { tolerance: 1e-4, floor: 1e-3, what: name };
      assertRelative(wasm!.layers[i]!.importance, importance, tolerance);
    });
  });

  it("says which backends there are when it is asked for another", () => {
    const { status, stdout, stderr } = command("steam");
    assert.equal(status, 2);
    assert.match(
      stdout + stderr,
      /KAIBO_TFJS_BACKEND is steam: expected one of tensorflow, wasm, cpu/,
    );
  });
});

interface Found {
  readonly engine: string;
  readonly layers: readonly { readonly name: string; readonly importance: readonly number[] }[];
}

function importanceBy(backend: string): Found {
  const { stdout, stderr } = command(backend);
  assert.notEqual(stdout, "", stderr);
  return JSON.parse(stdout) as Found;
}

/** The command line, whose compute processes use one backend. */
function command(backend: string) {
  const { model, data } = softmaxMlp;
  return spawnSync(
    process.execPath,
    [bundle("cli"), "importance", model, "--data", data.data, "--engine", "tfjs", "--json"],
    { encoding: "utf8", env: { ...process.env, KAIBO_TFJS_BACKEND: backend } },
  );
}
