import { onnxRuntime } from "#server/runtime/onnxRuntime.ts";
import { assertRelative } from "../support/numbers.ts";
import { derivedFrom, EXPORTERS, expectedOf, pytorchNetworks } from "../support/pytorchModels.ts";

describe("networks of PyTorch's exporters on ONNX Runtime", function () {
  this.timeout(60_000);

  for (const network of pytorchNetworks)
    for (const exporter of EXPORTERS)
      it(`${network.name} by ${exporter} has PyTorch's outputs and gradients`, async () => {
        const expected = expectedOf(network);
        const x = expected.get("input")!;
        const { graph } = await derivedFrom(network, exporter, x.shape[0]!);
        const program = await onnxRuntime.compile(graph);
        const found = await program.run([x]);
        await program.release();
        ["output", "byInput", "byMiddle"].forEach((what, i) => {
          const { data } = expected.get(what)!;
          assertRelative(found[i]!.data, data, { tolerance: 1e-4, floor: 1e-2, what });
        });
      });
});
