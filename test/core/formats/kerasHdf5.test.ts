import assert from "node:assert/strict";
import { ready, File as WasmFile } from "h5wasm";
import { memberAt, type Object5, openHdf5 } from "#core/formats/keras/hdf5/hdf5.ts";
import { ProblemError } from "#core/problem.ts";
import { random } from "#core/random.ts";
import { sourceOf } from "./support.ts";

/** What the HDF5 library writes, as bytes: the oracle of our reader. */
async function written(
  fill: (file: WasmFile) => void,
  libver: "earliest" | "v108" | "v110" | "v200",
): Promise<Uint8Array> {
  const { FS } = await ready;
  const file = new WasmFile("/made.h5", "w", { libver: [libver, "latest"] });
  fill(file);
  file.close();
  const bytes = FS.readFile("/made.h5");
  FS.unlink("/made.h5");
  return bytes;
}

const numbersIn = async (object: Object5 | undefined) => {
  const { dataset } = object!;
  const raw = (await dataset!.read()).slice();
  return { shape: dataset!.shape, values: [...new Float32Array(raw.buffer)] };
};

const range = (n: number) => Float32Array.from({ length: n }, (_, i) => i + 0.5);

describe("HDF5 as the library writes it", () => {
  for (const libver of ["earliest", "v110"] as const)
    it(`survives damage (${libver})`, async () => {
      const bytes = await written((file) => {
        for (let i = 0; i < 40; i++) {
          file.create_dataset({
            name: `array ${i}`,
            data: range(20),
            shape: [4, 5],
            ...(libver === "earliest"
              ? { ...(libver === "earliest" ? { chunks: [2, 3] } : {}) }
              : {}),
          });
          file.create_attribute(`text ${i}`, `value ${i}`);
        }
      }, libver);
      let refused = 0;
      for (let seed = 1; seed <= 200; seed++) {
        const { uniform } = random(seed);
        const copy = bytes.slice(
          0,
          seed % 5 === 0 ? Math.floor(uniform() * bytes.length) : undefined,
        );
        for (let i = 0; i < 20; i++)
          copy[Math.floor(uniform() * copy.length)] = Math.floor(uniform() * 256);
        try {
          const root = await openHdf5(sourceOf(copy));
          for (const { dataset } of root.members.values()) await dataset?.read();
          for (const attribute of root.attributes.values()) await attribute.texts();
        } catch (error) {
          assert.ok(error instanceof ProblemError, `case ${seed}: ${String(error)}`);
          refused++;
        }
      }
      assert.ok(refused > 60, `${refused} of 200 were refused`);
    }).timeout(60_000);

  for (const libver of ["earliest", "v108", "v110", "v200"] as const) {
    // 9 is where groups change their form, 300 fills several blocks of a heap, 4,000 levels of a tree.
    for (const count of [3, 9, 300, 4000])
      it(`finds ${count} members of a group (${libver})`, async () => {
        const bytes = await written((file) => {
          for (let i = 0; i < count; i++) file.create_group(`member ${i}`);
        }, libver);
        const { members } = await openHdf5(sourceOf(bytes));
        const names = Array.from({ length: count }, (_, i) => `member ${i}`);
        assert.deepEqual(new Set(members.keys()), new Set(names));
      }).timeout(20_000);

    it(`reads arrays and attributes (${libver})`, async () => {
      const bytes = await written((file) => {
        file.create_group("g");
        file.create_dataset({ name: "g/plain", data: range(24), shape: [2, 3, 4] });
        file.create_dataset({ name: "g/scalar", data: range(1), shape: [] });
        for (let i = 0; i < 12; i++) file.create_attribute(`text ${i}`, `value ${i} é`);
        file.create_attribute("names", ["a", "bc"], [2], "S4");
        file.create_attribute("none", new Float64Array(0), [0], "<d");
      }, libver);
      const root = await openHdf5(sourceOf(bytes));
      assert.deepEqual(await numbersIn(memberAt(root, "g/plain")), {
        shape: [2, 3, 4],
        values: [...range(24)],
      });
      assert.deepEqual(await numbersIn(memberAt(root, "g/scalar")), { shape: [], values: [0.5] });
      for (let i = 0; i < 12; i++)
        assert.deepEqual(await root.attributes.get(`text ${i}`)!.texts(), [`value ${i} é`]);
      assert.deepEqual(
        (await root.attributes.get("names")!.texts())!.map((t) => t.trimEnd()),
        ["a", "bc"],
      );
      assert.deepEqual(root.attributes.get("none")!.shape, [0]);
      assert.equal(await root.attributes.get("none")!.texts(), undefined);
    });
  }

  it("reads arrays in chunks, packed, that do not divide the array", async () => {
    const bytes = await written((file) => {
      const shape = [7, 5, 3];
      const base = { data: range(105), shape, chunks: [4, 2, 3] };
      file.create_dataset({ ...base, name: "chunks" });
      file.create_dataset({ ...base, name: "packed", compression: "gzip", compression_opts: 6 });
    }, "earliest");
    const root = await openHdf5(sourceOf(bytes));
    for (const name of ["chunks", "packed"])
      assert.deepEqual(
        await numbersIn(root.members.get(name)),
        { shape: [7, 5, 3], values: [...range(105)] },
        name,
      );
  });
});
