import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { digitPictures } from "../../support/digitPictures.ts";
import { json, kaibo } from "../../support/kaibo.ts";
import { pytorchFile } from "../../support/pytorch.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const MODEL = pytorchFile("mnist-cnn.onnx");
const SCALE = ["--scale", String(1 / 255), "--json"];

interface Result {
  readonly samples: number;
  readonly accuracy: number;
  readonly layers: readonly { readonly name: string; readonly importance: readonly number[] }[];
}
interface Wrong {
  readonly error: { code: string; message: string; at: { file: string; place?: string } };
}

describe("kaibo on a folder of pictures", function () {
  this.timeout(60_000);
  const folder = temporaryFolder();
  const pictures = folder.file("digits");
  before(() => {
    digitPictures(pictures);
    digitPictures(folder.file("small"), 4);
  });
  after(() => folder.remove());

  const importance = (data: string, ...more: string[]) =>
    kaibo(["importance", MODEL, "--data", data, ...more, ...SCALE]);

  it("gives what the same pictures in an IDX file give", async () => {
    const idx = json<Result>(await importance(pytorchFile("mnist200-images-idx3-ubyte.gz")));
    const png = json<Result>(await importance(`${pictures}/`));
    assert.deepEqual([png.samples, png.accuracy], [200, idx.accuracy]);
    png.layers.forEach(({ name, importance: found }, l) => {
      const expected = idx.layers[l]!.importance;
      const most = Math.max(...expected);
      found.forEach((v, u) => {
        assert.ok(Math.abs(v - expected[u]!) < 1e-5 * most, `${name} ${u}: ${v}, ${expected[u]}`);
      });
    });
  });

  it("says which size is missing, and takes it", async () => {
    const { error } = json<Wrong>(await importance(folder.file("small")), 2);
    assert.equal(error.code, "data-mismatch");
    assert.match(
      error.message,
      /expects samples of shape \[1, 28, 28\], the data has \[20, 20\]; set "size" to \[28, 28\] \(--size 28,28\)/,
    );
    const { samples } = json<Result>(await importance(folder.file("small"), "--size", "28,28"));
    assert.equal(samples, 200);
  });

  it("says what is certainly wrong with the range", async () => {
    const args = ["importance", MODEL, "--data", pictures, "--mean", "0.1307", "--std", "0.3081"];
    const { error } = json<Wrong>(await kaibo([...args, "--json"]), 2);
    assert.match(
      error.message,
      /are for values from 0 to 1, the data holds values up to 25\d; set "scale" to 0.00392/,
    );
    json(await kaibo([...args, ...SCALE]));
  });

  it("names the picture that is damaged", async () => {
    digitPictures(folder.file("damaged"));
    const wrong = join(folder.file("damaged"), "9", "damaged.png");
    writeFileSync(wrong, "no picture");
    const { error } = json<Wrong>(await importance(folder.file("damaged")), 2);
    assert.equal(error.at.file, wrong);
    assert.match(error.message, /neither PNG nor JPEG/);
  });

  it("refuses what the flags do not allow, and pictures' flags for other data", async () => {
    for (const [flags, said] of [
      [["--size", "0"], /--size 0: expected a length, or height and width in pixels/],
      [["--size", "1,2,3"], /--size 1,2,3: expected/],
      [["--crop", "5"], /--crop 5: expected height and width/],
      [["--channels", "cmyk"], /--channels cmyk: expected rgb or bgr or grey/],
      [["--resize", "cubic"], /--resize cubic: expected bilinear or nearest/],
      [["--labels", "nowhere.csv"], /there is no such file/],
    ] as const)
      assert.match(json<Wrong>(await importance(pictures, ...flags), 2).error.message, said);
    const idx = pytorchFile("mnist200-images-idx3-ubyte.gz");
    const { error } = json<Wrong>(await importance(idx, "--size", "28,28"), 2);
    assert.match(error.message, /"size" is for folders of pictures; leave it out/);
  });
});
