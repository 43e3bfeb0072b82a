import assert from "node:assert/strict";
import { mkdirSync, writeFileSync } from "node:fs";
import { deflateSync } from "node:zlib";
import { json, kaibo } from "../../support/kaibo.ts";
import { pngOf } from "../../support/png.ts";
import { pytorchFile } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

interface Wrong {
  readonly error: { code: string; message: string; at: { file: string } };
}

describe("kaibo --open-anyway", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  after(() => folder.remove());

  it("reads what is over a limit, in the compute processes too", async () => {
    const [width, height] = [8192, 4097];
    const zeros = deflateSync(Buffer.alloc(height * (width + 1)));
    mkdirSync(folder.file("scans"));
    writeFileSync(folder.file("scans/large.png"), pngOf(width, height, zeros, 0));
    const args = [
      ...["importance", pytorchFile("mnist-cnn.onnx"), "--data", folder.file("scans")],
      ...["--size", "28,28", "--processes", "1", "--json"],
    ];
    const { error } = json<Wrong>(await kaibo(args), 2);
    assert.equal(error.code, "over-limit");
    assert.equal(error.at.file, folder.file("scans/large.png"));
    assert.match(error.message, /8192 × 4097 has 33,562,624 pixels, and the limit is 33,554,432/);
    assert.match(error.message, /--open-anyway/);
    const { samples } = json<{ samples: number }>(await kaibo([...args, "--open-anyway"]));
    assert.equal(samples, 1);
  });
});
