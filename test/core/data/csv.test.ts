import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { all, idx, labels, opened, refuses, values } from "./support.ts";

const wine = '"fixed acidity";"alcohol";"quality"\n7.4;9.4;5\n7.8;-1e-3;6\r\n\n11;.5;3';

describe("CSV files", () => {
  it("give the columns but the target as one sample per row", async () => {
    const dataset = await opened("wine.csv#target=quality", { "wine.csv": wine });
    assert.deepEqual(dataset.features, ["fixed acidity", "alcohol"]);
    assert.deepEqual(dataset.shape, [2]);
    assert.equal(dataset.count, 3);
    assert.deepEqual(await values(dataset), [7.4, 9.4, 7.8, -1e-3, 11, 0.5].map(Math.fround));
    assert.deepEqual(await labels(dataset), [5, 6, 3]);
  });

  it("may use commas or tabs, quotes with separators and newlines in them, a byte order mark, gzip", async () => {
    const text = '\ufeff"a,""b""\nc",d\n"1",2\n';
    const dataset = await opened("t.csv", { "t.csv": text });
    assert.deepEqual(dataset.features, ['a,"b"\nc', "d"]);
    assert.deepEqual(await values(dataset), [1, 2]);
    const packed = await opened("t.tsv.gz", { "t.tsv.gz": gzipSync("a\tb\n1\t2\n") });
    assert.deepEqual(await values(packed), [1, 2]);
  });

  it("may have no header; columns are then numbered from 1", async () => {
    const dataset = await opened("t.csv#target=3", { "t.csv": "1,2,0\n3,4,1\n" });
    assert.deepEqual(await values(dataset), [1, 2, 3, 4]);
    assert.deepEqual(await labels(dataset), [0, 1]);
  });

  it("turn class names, and integers below 0, into classes in sorted order", async () => {
    const names = await opened("t.csv#target=y", { "t.csv": "x,y\n1,setosa\n2,iris\n3,setosa\n" });
    assert.deepEqual(names.classes, ["iris", "setosa"]);
    assert.deepEqual(await labels(names), [1, 0, 1]);
    const signs = await opened("t.csv#target=y", { "t.csv": "x,y\n1,1\n2,-1\n" });
    assert.deepEqual(signs.classes, ["-1", "1"]);
    assert.deepEqual(await labels(signs), [1, 0]);
  });

  it("give any range", async () => {
    const dataset = await opened("wine.csv#target=quality", { "wine.csv": wine });
    const [batch] = await all(dataset.batches(2, 3, 10));
    assert.deepEqual(batch, {
      from: 2,
      count: 1,
      x: Float32Array.of(11, 0.5),
      labels: Int32Array.of(3),
    });
  });

  it("are refused with row and column", async () => {
    const refused: [string, string, RegExp][] = [
      ["t.csv", "a,b\n1,2\n3,x\n", /^t\.csv, row 3, column b: "x" is not a finite number/],
      ["t.csv", "a,b\n1,\n", /row 2, column b: an empty field/],
      ["t.csv", "a;b\n1;1,5\n", /row 2, column b: "1,5"/],
      ["t.csv", "a,b\n1,nan\n", /"nan" is not a finite number/],
      ["t.csv", "a,b\n1,1e99\n", /"1e99" is not a finite number/],
      ["t.csv", "a,b\n1,2\n3\n", /^t\.csv, row 3: 1 fields, but the first row has 2/],
      ["t.csv", "", /the table has no rows/],
      ["t.csv", "a,b\n", /the table has no rows/],
      ["t.csv", 'a,b\n1,"2\n3,4\n', /row 2: a quoted field is never closed/],
      ["t.csv", 'a,b\n1,"2"3\n', /row 2: text follows the closing quote/],
      ["t.csv#target=z", "a,b\n1,2\n", /row 1: there is no column z; choose one of: a, b/],
      ["t.csv#target=b", "a,b\n1,2\n2,0.5\n", /row 3: the label 0\.5 is no class/],
      ["t.csv#target=b", "a,b\n1,2\n2,\n", /row 3: the label is empty/],
      ["t.csv#tagret=b", "a,b\n1,2\n", /#tagret= means nothing here; use target/],
    ];
    for (const [name, text, message] of refused) await refuses(name, { "t.csv": text }, message);
  });
});

describe("a file of labels", () => {
  const images = idx(8, [3, 1], [1, 2, 3]);

  it("may be text with one label per line, with or without header", async () => {
    for (const text of ["0\n2\n1\n", "label\n0\n2\n1"]) {
      const dataset = await opened("i", { i: images, "l.txt": text }, { labels: "l.txt" });
      assert.deepEqual(await labels(dataset), [0, 2, 1]);
    }
    const names = await opened("i", { i: images, "l.txt": "b\na\nb\n" }, { labels: "l.txt" });
    assert.deepEqual(names.classes, ["a", "b"]);
    assert.deepEqual(await labels(names), [1, 0, 1]);
  });

  it("is refused when it is missing, has columns or another count", async () => {
    const refused: [string | undefined, RegExp][] = [
      [undefined, /^l\.txt: there is no such file/],
      ["1,2\n3,4\n5,6\n", /row 1: 2 fields in a file of labels/],
      ["1\n2\n", /2 labels for the 3 samples of i/],
      ["", /there are no labels/],
    ];
    for (const [text, message] of refused) {
      const contents = text === undefined ? { i: images } : { i: images, "l.txt": text };
      await refuses("i", contents, message, { labels: "l.txt" });
    }
  });
});
