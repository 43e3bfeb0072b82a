import { constant, input } from "#core/ir/graph.ts";
import { float32 } from "#core/ir/tensor.ts";
import { matMul } from "#core/ops/matMul.ts";
import { random } from "#core/random.ts";
import { onnxRuntime } from "#server/runtime/onnxRuntime.ts";

const N = 1024;
const TIMES = 5;

/** The physical limit: what ONNX Runtime's MatMul of 1024³ reaches here, in FLOP/s. */
export interface Limit {
  /** The best of a few runs, now. */
  rate(): Promise<number>;
  release(): Promise<void>;
}

export async function openLimit(threads: number): Promise<Limit> {
  const next = random(3);
  const matrix = () =>
    float32(
      [N, N],
      Float32Array.from({ length: N * N }, () => next.uniform() - 0.5),
    );
  const a = input("a", "float32", [N, N]);
  const graph = { inputs: [a], outputs: [matMul({}, a, constant(matrix()))] };
  const program = await onnxRuntime.compile(graph, { threads });
  const x = matrix();
  await program.run([x]);
  return {
    async rate() {
      let best = Number.POSITIVE_INFINITY;
      for (let i = 0; i < TIMES; i++) {
        const started = performance.now();
        await program.run([x]);
        best = Math.min(best, performance.now() - started);
      }
      return (2 * N ** 3) / (best / 1000);
    },
    release: () => program.release(),
  };
}
