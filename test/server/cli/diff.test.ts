import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import type { ModelDiff } from "#protocol/views/diff.ts";
import { bundle } from "../../support/bundles.ts";
import { json, kaibo } from "../../support/kaibo.ts";
import { temporaryFolder } from "../../support/temporary.ts";

const MODEL = resolve("test/fixtures/plans/model.script.onnx");
/** stem and what hangs on it, and one filter behind. */
const UNITS = ["stem/1", "stem/4", "block.conv1/0"];

describe("kaibo diff", function () {
  this.timeout(120_000);
  const folder = temporaryFolder();
  const pruned = folder.file("pruned.onnx");
  before(async () => {
    const units = UNITS.flatMap((unit) => ["--unit", unit]);
    const { code, stderr } = await kaibo(["prune", MODEL, ...units, "-o", pruned]);
    assert.equal(code, 0, stderr);
  });
  after(() => folder.remove());

  it("says which units went, and ends with 1", async () => {
    const { code, stdout } = await kaibo(["diff", MODEL, pruned]);
    assert.equal(code, 1);
    const lines = stdout.split("\n");
    assert.deepEqual(lines.slice(0, 2), ["--- model.script.onnx", "+++ pruned.onnx"]);
    const stem = lines.findIndex((l) => l.startsWith("~ layer stem "));
    assert.equal(lines[stem], "~ layer stem  Conv 3x3  3 -> 8  Relu → Conv 3x3  3 -> 6  Relu");
    assert.deepEqual(lines.slice(stem + 1, stem + 3), ["-   unit 1", "-   unit 4"]);
    assert.ok(!/changed|cannot be matched|^\+ {3}/m.test(stdout), stdout);
  });

  it("prints nothing and ends with 0 where the models are the same, whatever their names", async () => {
    const copy = folder.file("copy.onnx");
    copyFileSync(MODEL, copy);
    const { code, stdout } = await kaibo(["diff", MODEL, copy]);
    assert.deepEqual([code, stdout], [0, ""]);
  });

  it("gives one object", async () => {
    const diff = json<ModelDiff>(await kaibo(["diff", MODEL, pruned, "--json"]), 1);
    const stem = diff.layers.find((l) => l.kind === "matched" && l.after === "stem");
    assert.ok(stem?.kind === "matched" && !diff.same);
    assert.deepEqual(stem.units.removed, [1, 4]);
    assert.deepEqual(stem.units.from, [0, 2, 3, 5, 6, 7]);
    assert.deepEqual(diff.bytes, {
      before: readFileSync(MODEL).length,
      after: readFileSync(pruned).length,
    });
  });

  it("ends with 2 and names the file that is no model", async () => {
    const bad = folder.file("bad.onnx");
    writeFileSync(bad, "no model");
    const { code, stderr } = await kaibo(["diff", MODEL, bad]);
    assert.equal(code, 2);
    assert.match(stderr, /bad\.onnx/);
    const none = await kaibo(["diff", MODEL]);
    assert.deepEqual([none.code, none.stderr], [2, "kaibo: name two model files\n"]);
  });

  describe("in git", () => {
    const repository = temporaryFolder();
    after(() => repository.remove());
    const git = (...args: string[]): string =>
      execFileSync("git", ["-C", repository.path, ...args], {
        encoding: "utf8",
        // Whatever the machine's own configuration says.
        env: { ...process.env, GIT_CONFIG_GLOBAL: "/dev/null", GIT_CONFIG_NOSYSTEM: "1" },
      });
    const program = `"${process.execPath}" "${bundle("cli")}"`;
    before(() => {
      git("init", "-q");
      git("config", "user.name", "n");
      git("config", "user.email", "e@example.org");
      writeFileSync(repository.file(".gitattributes"), "*.onnx diff=kaibo\n");
      copyFileSync(MODEL, repository.file("m.onnx"));
      git("add", ".");
      git("commit", "-q", "-m", "a model");
      copyFileSync(pruned, repository.file("m.onnx"));
    });

    it("shows by textconv the lines of the units that went, and of no others", () => {
      git("config", "diff.kaibo.textconv", `${program} list --textconv`);
      const lines = git("diff", "-U0", "--", "m.onnx").split("\n");
      const gone = lines.filter((l) => /^- {2}unit /.test(l));
      const come = lines.filter((l) => /^\+ {2}unit /.test(l));
      // Of stem, block.conv2 and down.0 two each, of block.conv1 one.
      assert.equal(gone.length, 7);
      assert.deepEqual(come, []);
      assert.ok(lines.some((l) => l.startsWith("-layer stem  Conv 3x3  3 -> 8")));
      assert.ok(!lines.some((l) => l.includes(repository.path)));
      assert.equal(git("diff", "--exit-code", "HEAD", "HEAD"), "");
    });

    it("shows by an external driver what kaibo diff prints", () => {
      git("config", "diff.kaibo.command", `sh -c '${program} diff "$1" "$4" || test $? = 1'`);
      const text = git("diff", "--", "m.onnx");
      assert.match(text, /^~ layer stem .*\n- {3}unit 1\n- {3}unit 4$/m);
    });
  });
});
