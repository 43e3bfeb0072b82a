/** VS Code's JSON support knows kaibo.json and prune plans, in the display language. */
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import { model } from "../digits.ts";
import { until } from "../workbench.ts";

const folder = path.dirname(model);

describe("the JSON schemas", function () {
  this.timeout(60_000);
  const made: vscode.Uri[] = [];
  after(async () => {
    await vscode.commands.executeCommand("workbench.action.closeAllEditors");
    for (const uri of made) await vscode.workspace.fs.delete(uri);
  });

  async function opened(name: string, text: string): Promise<vscode.TextDocument> {
    const uri = vscode.Uri.file(path.join(folder, name));
    await vscode.workspace.fs.writeFile(uri, Buffer.from(text));
    made.push(uri);
    const document = await vscode.workspace.openTextDocument(uri);
    await vscode.window.showTextDocument(document);
    return document;
  }

  it("describe the properties of kaibo.json", async () => {
    const document = await opened("sub/kaibo.json", '{ "models": [{ "model": "m.onnx",  }] }');
    const wanted = inLanguage("Path of the model file.");
    await until("the hover is there", async () =>
      (await hover(document, 'model":')).includes(wanted),
    );
    const after = document.positionAt(document.getText().indexOf("  }") + 1);
    const { items } = await vscode.commands.executeCommand<vscode.CompletionList>(
      "vscode.executeCompletionItemProvider",
      document.uri,
      after,
    );
    const guard = items.find(({ label }) => text(label) === "accuracyGuard");
    assert.ok(guard !== undefined, items.map(({ label }) => text(label)).join());
    const shares =
      "The largest loss of accuracy that a prune may cost, as a share of 1; a larger one is reported.";
    assert.equal(text(guard.documentation), inLanguage(shares));
  });

  it("find what is wrong in a prune plan", async () => {
    const document = await opened("x.kaibo-plan.json", '{ "version": 1, "units": "all" }');
    // What it says is VS Code's own.
    await until("the problem is there", () =>
      problems(document).some(({ range }) => document.getText(range) === '"all"'),
    );
    const plan = inLanguage("Version of this format.");
    await until("the hover is there", async () =>
      (await hover(document, "version")).includes(plan),
    );
  });
});

/** The text of the hover over the first place where something stands. */
async function hover(document: vscode.TextDocument, at: string): Promise<string> {
  const hovers = await vscode.commands.executeCommand<vscode.Hover[]>(
    "vscode.executeHoverProvider",
    document.uri,
    document.positionAt(document.getText().indexOf(at) + 1),
  );
  // Plain text comes as Markdown.
  const shown = hovers.flatMap(({ contents }) => contents.map(text)).join("\n");
  return shown.replaceAll(/\\([^\w\s])/g, "$1");
}

const problems = (document: vscode.TextDocument): readonly vscode.Diagnostic[] =>
  vscode.languages.getDiagnostics(document.uri).filter(({ source }) => source !== "kaibo");

function text(shown: unknown): string {
  if (typeof shown === "string") return shown;
  const { value, label } = (shown ?? {}) as { value?: string; label?: string };
  return value ?? label ?? "";
}

/** The text as the extension has it for the display language. */
function inLanguage(english: string): string {
  if (vscode.env.language !== "ja") return english;
  const extension = vscode.extensions.getExtension("kaibo.kaibo");
  const file = path.join(extension!.extensionPath, "schemas/texts.ja.json");
  return JSON.parse(readFileSync(file, "utf8"))[english];
}
