import assert from "node:assert/strict";
import { backward } from "#core/autodiff/backward.ts";
import { type Graph, input, topological } from "#core/ir/graph.ts";
import { print } from "#core/ir/print.ts";
import { isFloat, known, type Tensor } from "#core/ir/tensor.ts";
import { verify } from "#core/ir/verify.ts";
import type { Runtime } from "#core/runtime/runtime.ts";
import { ENGINES, engine } from "#server/runtime/engines.ts";
import { normal } from "../support/build.ts";
import { randomGraph } from "../support/randomGraph.ts";
import { referenceRuntime } from "../support/referenceRuntime.ts";

const GRAPHS = Number(process.env.KAIBO_RANDOM_GRAPHS ?? 150);
/** Relative to the largest number of a tensor: float32 against float64. */
const TOLERANCE = 2e-4;

describe("random graphs", function () {
  this.timeout(120_000);
  const runtimes: Runtime[] = [];
  before(async () => {
    for (const name of ENGINES) runtimes.push(await engine(name));
  });

  it("use many operators", () => {
    const types = new Set<string>();
    for (let seed = 1; seed <= GRAPHS; seed++)
      for (const { operator } of topological(randomGraph(seed).outputs))
        if (typeof operator !== "string") types.add(operator.type);
    assert.ok(types.size > 25, [...types].join(" "));
  });

  it("give the same values in every engine", async () => {
    for (let seed = 1; seed <= GRAPHS; seed++) await same(randomGraph(seed), seed);
  });

  it("have the same gradient in every engine", async () => {
    for (let seed = 1; seed <= GRAPHS; seed++) await same(gradientOf(randomGraph(seed)), seed);
  });

  async function same(graph: Graph, seed: number): Promise<void> {
    verify(graph);
    const feeds = graph.inputs.map((v, i) => normal(known(v.shape), seed + 7 * i));
    const expected = await run(referenceRuntime, graph, feeds);
    for (const runtime of runtimes) {
      const found = await run(runtime, graph, feeds).catch((error: Error) => {
        throw new Error(`seed ${seed}, ${runtime.name}: ${error.message}\n${print(graph)}`);
      });
      expected.forEach(({ data, shape }, i) => {
        const own = found[i]!;
        const what = () => `seed ${seed}, ${runtime.name}, output ${i}\n${print(graph)}`;
        if (own.shape.join() !== shape.join())
          assert.fail(`[${own.shape}], not [${shape}]; ${what()}`);
        let largest = 1;
        for (const v of data) largest = Math.max(largest, Math.abs(v));
        for (const [k, v] of data.entries())
          if (!(Math.abs(own.data[k]! - v) <= TOLERANCE * largest))
            assert.fail(`[${k}]: ${own.data[k]}, not ${v}; ${what()}`);
      });
    }
  }
});

async function run(runtime: Runtime, graph: Graph, feeds: readonly Tensor[]) {
  const program = await runtime.compile(graph);
  const results = await program.run(feeds);
  await program.release();
  return results;
}

/** The graph of the input's gradient, for a cotangent of the first floating-point output. */
function gradientOf({ inputs, outputs }: Graph): Graph {
  const output = outputs.find((v) => isFloat(v.dtype))!;
  const cotangent = input("ct", output.dtype, output.shape);
  const gradients = backward([{ output, cotangent }], inputs);
  return { inputs: [...inputs, cotangent], outputs: [...gradients.values()] };
}
