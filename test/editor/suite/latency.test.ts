/** Hovers and quick fixes answer while importance is being computed. */
import assert from "node:assert/strict";
import { availableParallelism, loadavg } from "node:os";
import { performance } from "node:perf_hooks";
import * as vscode from "vscode";
import { lineOf, listingUri, model, openListing, startAfresh } from "../digits.ts";
import { note } from "../workbench.ts";

/**
 * The design asks for 50 ms of the server. Here the browser and the extension host have their share in
 * it, while the computation takes every core: three times that, and more where others compute as well.
 */
const limit = 150 * Math.max(1, loadavg()[0]! / availableParallelism());
const least = 20;
const most = 60;

describe("while importance is computed", function () {
  this.timeout(120_000);
  before(async () => {
    await startAfresh();
    await openListing();
  });
  after(startAfresh);

  it("answers 95 of 100 hovers and quick fixes in time", async () => {
    const document = await vscode.workspace.openTextDocument(listingUri);
    let computing = true;
    const computed = vscode.commands
      .executeCommand("kaibo.computeImportance", vscode.Uri.file(model))
      .then(() => {
        computing = false;
      });
    const hovers: number[] = [];
    const fixes: number[] = [];
    while (computing && hovers.length < most) {
      const line = lineOf(document, hovers.length % 32);
      const place = new vscode.Position(line, 4);
      const hover = ["vscode.executeHoverProvider", listingUri, place] as const;
      const fix = [
        "vscode.executeCodeActionProvider",
        listingUri,
        new vscode.Range(place, place),
      ] as const;
      hovers.push(await timed(hover));
      fixes.push(await timed(fix));
    }
    await vscode.commands.executeCommand("kaibo.cancelComputation");
    await computed;
    assert.ok(hovers.length >= least, `only ${hovers.length} before the computation ended`);
    const [hover, fix] = [percentile95(hovers), percentile95(fixes)];
    await note(
      `p95 of ${hovers.length}: hover ${hover.toFixed(1)} ms, quick fixes ${fix.toFixed(1)} ms; limit ${limit.toFixed()} ms`,
    );
    assert.ok(hover <= limit && fix <= limit);
  });
});

async function timed([command, ...rest]: readonly [string, ...unknown[]]): Promise<number> {
  const from = performance.now();
  const answer = await vscode.commands.executeCommand<readonly unknown[]>(command, ...rest);
  const took = performance.now() - from;
  assert.ok(answer.length > 0, `${command} had no answer`);
  return took;
}

function percentile95(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * 0.95) - 1] ?? Number.POSITIVE_INFINITY;
}
