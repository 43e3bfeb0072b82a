/** Japanese is complete: every text that the editor shows has a translation, and none is left over. */
import assert from "node:assert/strict";
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { shownTexts, translated } from "../../client/src/schemas/translated.ts";

const root = path.resolve(import.meta.dirname, "../..");

describe("localisation", () => {
  const sources = sourceFiles("client/src").map((file) => readFileSync(file, "utf8"));
  const used = sources.flatMap(literalTexts);

  it("names every text of the client by a literal, which can be looked up", () => {
    const calls = sources.flatMap((source) => source.match(/\bl10n\.t\(/g) ?? []);
    assert.equal(used.length, calls.length);
  });

  it("has every text of the client in Japanese, and no others", () => {
    const bundle = json("l10n/bundle.l10n.ja.json");
    assert.deepEqual(new Set(Object.keys(bundle)), new Set(used));
    for (const [english, japanese] of Object.entries(bundle)) sameHoles(english, japanese);
  });

  it("has every text of the manifest in both languages, and no others", () => {
    const manifest = readFileSync(path.join(root, "package.json"), "utf8");
    const keys = [...manifest.matchAll(/%([\w.-]+)%/g)].map(([, key]) => key);
    const english = json("package.nls.json");
    const japanese = json("package.nls.ja.json");
    assert.deepEqual(new Set(Object.keys(english)), new Set(keys));
    assert.deepEqual(new Set(Object.keys(japanese)), new Set(keys));
  });
});

describe("the texts of the JSON schemas", () => {
  const schemas = readdirSync(path.join(root, "schemas")).filter((f) => f.endsWith(".schema.json"));
  const japanese = json("schemas/texts.ja.json");

  it("are all in Japanese, and no others", () => {
    assert.equal(schemas.length, 2);
    const shown = schemas.flatMap((file) => [...shownTexts(json(`schemas/${file}`))]);
    assert.deepEqual(new Set(Object.keys(japanese)), new Set(shown));
    for (const [english, text] of Object.entries(japanese))
      assert.ok(text === "kaibo.json" || /[ぁ-んァ-ヶ一-龠]/.test(text), english);
  });

  it("are all that is replaced: the schemas still describe the same files", () => {
    for (const file of schemas) {
      const schema = json(`schemas/${file}`);
      const there = translated(schema, (text) => japanese[text]!);
      assert.deepEqual(shownTexts(there), new Set([...shownTexts(schema)].map((t) => japanese[t])));
      const back = new Map(Object.entries(japanese).map(([en, ja]) => [ja, en]));
      assert.equal(back.size, Object.keys(japanese).length);
      assert.deepEqual(
        translated(there, (text) => back.get(text)!),
        schema,
      );
    }
  });

  it("are served under the names that the manifest gives them", () => {
    const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
    const urls = manifest.contributes.jsonValidation.map(({ url }: { url: string }) => url);
    assert.deepEqual(urls.sort(), schemas.map((file) => `kaibo-schema://schemas/${file}`).sort());
    assert.ok(manifest.activationEvents.includes("onFileSystem:kaibo-schema"));
  });
});

function sourceFiles(folder: string): readonly string[] {
  const names = readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" });
  return names.filter((name) => name.endsWith(".ts")).map((name) => path.join(root, folder, name));
}

function literalTexts(source: string): readonly string[] {
  const calls = source.matchAll(/\bl10n\.t\(\s*("(?:[^"\\]|\\.)*")/g);
  return [...calls].map(([, literal]) => JSON.parse(literal!) as string);
}

function json(file: string): Readonly<Record<string, string>> {
  return JSON.parse(readFileSync(path.join(root, file), "utf8"));
}

/** The same placeholders and icons on both sides. */
function sameHoles(english: string, japanese: string): void {
  const holes = (text: string) => (text.match(/\{\d\}|\$\([\w-]+\)/g) ?? []).sort();
  assert.deepEqual(holes(japanese), holes(english), english);
}
