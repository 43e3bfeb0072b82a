/** The sample in the tests' own copy of the workspace, and its listing as the suites use it. */
import assert from "node:assert/strict";
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import * as vscode from "vscode";
import { evaluate, press, texts, type, until } from "./workbench.ts";

export const model = path.join(workspace(), "model.onnx");

/** The sample's bytes before any test: the copy is made anew for each run. */
export const original = readFileSync(model);

export const listingUri = vscode.Uri.file(`${model}.nnl`).with({ scheme: "kaibo" });

/** Importance takes seconds where the browser and other tests share two cores. */
const computed = 90_000;

function workspace(): string {
  const folder = process.env.KAIBO_WORKSPACE;
  assert.ok(folder, "run.mjs names the workspace");
  return folder;
}

export const modelBytes = (): Buffer => readFileSync(model);

/** Whatever an earlier test left behind is gone: unsaved edits, notifications, a pruned model. */
export async function startAfresh(): Promise<void> {
  await vscode.commands.executeCommand("notifications.clearAll");
  for (const { document } of vscode.window.visibleTextEditors) await discard(document);
  await vscode.commands.executeCommand("workbench.action.closeAllEditors");
  await vscode.commands.executeCommand("workbench.action.closePanel");
  // A file that is written again, even with the same bytes, is read again.
  if (!modelBytes().equals(original)) writeFileSync(model, original);
}

async function discard(document: vscode.TextDocument): Promise<void> {
  if (!document.isDirty) return;
  await vscode.window.showTextDocument(document);
  await vscode.commands.executeCommand("workbench.action.files.revert");
}

/** Opens the listing by the command and waits until importance has arrived by itself. */
export async function openListing(): Promise<vscode.TextEditor> {
  await vscode.commands.executeCommand("kaibo.openListing", vscode.Uri.file(model));
  return withImportance();
}

export async function withImportance(): Promise<vscode.TextEditor> {
  const editor = await until("the listing is on show", listingEditor);
  const { document } = editor;
  await until("importance arrives", () => /importance/.test(unitLine(document, 0)), computed);
  await until("findings arrive", () => findings().length > 0);
  return editor;
}

export function listingEditor(): vscode.TextEditor | undefined {
  const editor = vscode.window.activeTextEditor;
  return editor?.document.uri.toString() === listingUri.toString() ? editor : undefined;
}

/** The line of a unit of the first layer, conv1. */
export function unitLine(document: vscode.TextDocument, unit: number): string {
  return document.lineAt(lineOf(document, unit)).text;
}

export function lineOf(document: vscode.TextDocument, unit: number): number {
  const line = document
    .getText()
    .split("\n")
    .findIndex((it) => isUnit(it, unit));
  assert.ok(line >= 0, `unit ${unit} is listed`);
  return line;
}

export function isListed(document: vscode.TextDocument, unit: number): boolean {
  const [conv1 = ""] = document.getText().split(/^layer conv2/m);
  return conv1.split("\n").some((it) => isUnit(it, unit));
}

const isUnit = (line: string, unit: number) => new RegExp(`^  unit ${unit}\\b`).test(line);

export function findings(): readonly vscode.Diagnostic[] {
  return vscode.languages.getDiagnostics(listingUri);
}

export function withCode(code: string): readonly vscode.Diagnostic[] {
  return findings().filter((it) => it.code === code);
}

/** The units of conv1 whose importance is low, in order; what "Prune the N low-importance units" cuts. */
export function unitsFound(document: vscode.TextDocument, code: string): readonly number[] {
  const conv2 = document
    .getText()
    .split("\n")
    .findIndex((it) => it.startsWith("layer conv2"));
  return withCode(code)
    .filter(({ range }) => range.start.line < conv2)
    .flatMap(
      ({ range }) => /^ {2}unit (\d+)/.exec(document.lineAt(range.start.line).text)?.[1] ?? [],
    )
    .map(Number)
    .sort((a, b) => a - b);
}

/** Puts the caret on the line of a unit of conv1, by the keyboard. */
export async function goTo(document: vscode.TextDocument, unit: number): Promise<void> {
  const line = lineOf(document, unit) + 1;
  await press("Control+g");
  await until("a line is asked for", () => evaluate(inQuickInput).then(Boolean));
  await type(`${line}:5`);
  await press("Enter");
  await until("the caret is there", async () =>
    (await texts("#status\\.editor\\.selection")).some((it) => it.includes(`Ln ${line}, Col 5`)),
  );
}

const inQuickInput = 'document.activeElement.matches(".quick-input-widget input")';
