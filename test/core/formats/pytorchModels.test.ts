import assert from "node:assert/strict";
import { evaluate } from "#core/runtime/reference.ts";
import { assertRelative } from "../../support/numbers.ts";
import {
  derivedFrom,
  EXPORTERS,
  expectedOf,
  pytorchNetworks,
} from "../../support/pytorchModels.ts";

describe("networks of PyTorch's exporters", function () {
  this.timeout(60_000);

  for (const network of pytorchNetworks)
    for (const exporter of EXPORTERS)
      it(`${network.name} by ${exporter}: module paths, and PyTorch's outputs and gradients`, async () => {
        const expected = expectedOf(network);
        const x = expected.get("input")!;
        const { graph, layers } = await derivedFrom(network, exporter, x.shape[0]!);
        assert.deepEqual(
          layers.map((l) => l.name),
          network.layers,
        );
        const found = evaluate(graph.outputs, new Map([[graph.inputs[0]!, x]]));
        ["output", "byInput", "byMiddle"].forEach((what, i) => {
          const { data, shape } = expected.get(what)!;
          assert.deepEqual([...found[i]!.shape], [...shape], what);
          assertRelative(found[i]!.data, data, { tolerance: 1e-4, floor: 1e-3, what });
        });
      });
});
