import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

const LONGEST = 500;

describe("tidy", () => {
  const tracked = execFileSync("git", ["ls-files", "--cached", "--others", "--exclude-standard"], {
    encoding: "utf8",
  }).split("\n");
  const sources = tracked.filter((f) => /\.(ts|mjs|cjs)$/.test(f));

  it("finds the sources", () => assert.ok(sources.length > 100));

  it("no file is longer than the limit", () => {
    const long = sources.filter((f) => readFileSync(f, "utf8").split("\n").length > LONGEST);
    assert.deepEqual(long, []);
  });

  it("only the runtimes import a runtime, only the client imports the editor", () => {
    const wrong = sources.filter((f) => {
      const text = readFileSync(f, "utf8");
      const runtime = /^import .*from "(onnxruntime-node|@tensorflow)/m.test(text);
      const editor = /^import .*from "vscode"/m.test(text);
      return (
        (runtime && !/^(server\/src\/runtime|test|bench)\//.test(f)) ||
        (editor && !/^(client|test\/editor)\//.test(f))
      );
    });
    assert.deepEqual(wrong, []);
  });

  it("every operator file is in the table", () => {
    const table = readFileSync("core/src/ops/table.ts", "utf8");
    const operators = readdirSync("core/src/ops").filter((f) =>
      readFileSync(`core/src/ops/${f}`, "utf8").match(
        /^export const \w+(: Operator<.*>)? = (operator|unary|binary|comparison|logical)\b/m,
      ),
    );
    assert.deepEqual(
      operators.filter((f) => !table.includes(`"./${f}"`)),
      [],
    );
  });
});
