import assert from "node:assert/strict";
import type { Page } from "playwright-core";
import type {
  CurveStatus,
  Export,
  Facts,
  PanelMemory,
  RemovalCurveHost,
  RemovalCurvePanel,
  RemovalCurveTexts,
} from "#protocol/panels/removalCurve.ts";
import type { CurveQuestion } from "#protocol/requests.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import { ENGLISH } from "#webview/charts/removalCurve/texts.ts";
import { removalCurve } from "#webview/charts/removalCurve.ts";
import { axeViolations, PanelBrowser } from "../support/panelPage.ts";

describe("the removal curve's panel", function () {
  this.timeout(60_000);
  const browser = new PanelBrowser();
  before(() => browser.start());
  after(() => browser.stop());

  it("shows the curve, says it in words and lists it, without a complaint of axe or of its policy", async () => {
    for (const theme of ["dark", "light"]) {
      const { page, complaints } = await open({ theme, memory: remembering(0, 8) });
      const words = await page.textContent("#chart-description");
      assert.match(words ?? "", /conv2: accuracy; units removed\. nothing removed: 0\.9893\./);
      assert.match(
        words ?? "",
        /smallest first \(area 0\.873\): 0: 0\.9893, 8: 0\.9627, 15: 0\.37/,
      );
      await page.click("summary");
      assert.equal(await page.locator("details tbody tr").count(), 16);
      assert.deepEqual(await axeViolations(page), [], theme);
      assert.deepEqual(complaints, [], theme);
      await page.close();
    }
  });

  it("is used by the keyboard alone: choose a point, go to its button, apply it", async () => {
    const { page, applied, memory } = await open();
    await tabTo(page, '[role="slider"]');
    for (const key of ["ArrowRight", "ArrowRight", "End", "ArrowLeft", "PageDown"])
      await page.keyboard.press(key);
    const value = () => page.getAttribute('[role="slider"]', "aria-valuetext");
    assert.equal(await value(), "smallest first: 9 removed, accuracy 0.9414");
    await page.keyboard.press("ArrowDown");
    assert.equal(
      await value(),
      "smallest first, retrained: 9 removed, accuracy 0.9493".replace("0.9493", share(1, 9)),
    );
    await page.keyboard.press("ArrowUp");
    assert.deepEqual((await memory()) as PanelMemory, {
      model: facts.model,
      question,
      selected: { series: 0, point: 9 },
    });
    const said = await page.textContent("section");
    assert.match(
      said ?? "",
      /smallest first: 9 removed: accuracy 0\.9893 → 0\.9414 \(−4\.79 points\)/,
    );
    assert.match(said ?? "", /conv29 \/ 160, 1, 3, 5, 7, 8, 10, 12, 14/);
    await page.keyboard.press("Enter");
    await page.keyboard.press("Enter");
    await page.getByText("9 lines were deleted").waitFor();
    assert.deepEqual(applied, [[{ layer: "conv2", units: [0, 1, 3, 5, 7, 8, 10, 12, 14] }]]);
    await page.close();
  });

  it("chooses the point that is clicked; orders for comparison are not applied", async () => {
    const { page } = await open();
    const chart = page.locator('[role="slider"]');
    const box = (await chart.boundingBox())!;
    // The lowest curve at its right end: largest first, 15 removed.
    await chart.click({ position: { x: box.width - 14, y: box.height - 70 } });
    await page.getByText("largest first: 15 removed").first().waitFor();
    await page.getByText("for comparison").waitFor();
    assert.equal(await page.locator("section vscode-button").count(), 0);
    await page.close();
  });

  it("finds the last point up to which accuracy stays within the guard", async () => {
    const { page, remote, memory } = await open();
    const chosen = async () => ((await memory()) as PanelMemory).selected;
    for (const guard of [0.005, 0.03, 0.5]) {
      await remote.call("facts", { ...facts, accuracyGuard: guard });
      await page.getByRole("button", { name: `Largest within ${guard * 100} points` }).click();
      const { points } = curve.series[0]!;
      const at = await chosen();
      assert.equal(at?.series, 0);
      const holds = points.map(({ accuracy }) => accuracy >= curve.baseline - guard);
      assert.ok(at.point > 0 && holds.slice(0, at.point + 1).every(Boolean), String(guard));
      assert.notEqual(holds[at.point + 1], true, String(guard));
    }
    await page.keyboard.press("Enter");
    await page.getByText(/lines were deleted/).waitFor();
    await page.close();
  });

  it("says so where no point keeps accuracy within the guard, and asks nothing of inputs", async () => {
    const [first, ...others] = curve.series;
    const points = first!.points.map((p) => (p.removed === 0 ? p : { ...p, accuracy: 0.5 }));
    const falling = { ...curve, series: [{ ...first!, points }, ...others] };
    const { page, remote } = await open({ status: { ...done, curve: falling } });
    const button = page.getByRole("button", { name: "Largest within" });
    await button.click();
    await page.getByText("more than 0.5 points at once").waitFor();
    await page.getByText("nothing removed", { exact: true }).waitFor();
    await remote.call("status", { ...done, curve: { ...falling, removes: "inputs" } });
    assert.equal(await button.count(), 0);
    await page.close();
  });

  it("asks what its form says, shows progress, and is cancelled", async () => {
    const { page, asked, cancelled, remote } = await open({ status: { kind: "empty" } });
    await page.getByText("Nothing computed").waitFor();
    const chosen = () =>
      page
        .locator("vscode-dropdown")
        .evaluateAll((all) => all.map((it) => it.textContent && (it as HTMLSelectElement).value));
    assert.deepEqual(await chosen(), ["layer:conv2", "importance"]);
    await page.locator("vscode-dropdown").first().click();
    await page.getByRole("option", { name: "conv1 (8 units)" }).click();
    await page.getByRole("checkbox", { name: "random" }).click();
    await page.getByRole("button", { name: "Compute" }).click();
    await page.getByRole("progressbar").waitFor();
    assert.deepEqual(asked, [
      { ...question, layers: ["conv1"], orders: ["ascending", "descending"] },
    ]);
    await remote.call("status", { kind: "computing", share: 0.42, detail: "about 5 s left" });
    await page.getByText("42 % · about 5 s left").waitFor();
    assert.equal(
      await page.locator("progress").evaluate((bar: HTMLProgressElement) => bar.value),
      0.42,
    );
    assert.deepEqual(await axeViolations(page), []);
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText("It was cancelled").waitFor();
    assert.equal(cancelled(), 1);
    await remote.call("status", done);
    await page.locator('[role="slider"] svg').waitFor();
    await page.close();
  });

  it("ranks inputs by importance only, and trains again only where there are training data", async () => {
    const { page, asked, remote } = await open({ status: { kind: "empty" } });
    const retrain = page.getByRole("checkbox", { name: "retrained: no data" });
    assert.equal(await retrain.getAttribute("aria-disabled"), "true");
    await remote.call("facts", { ...facts, train: "train.npz" });
    await page.getByRole("checkbox", { name: "retrained on train.npz" }).click();
    await page.locator("vscode-dropdown").nth(1).click();
    await page.getByRole("option", { name: "Taylor" }).click();
    await page.getByRole("button", { name: "Compute" }).click();
    await page.locator("vscode-dropdown").first().click();
    await page.getByRole("option", { name: "Inputs" }).click();
    await remote.call("status", { kind: "cancelled" });
    await page.getByRole("button", { name: "Compute" }).click();
    assert.deepEqual(asked, [
      { ...question, criterion: "taylor", retrain: true },
      { ...question, removes: "inputs", layers: [] },
    ]);
    await page.close();
  });

  it("exports picture and numbers", async () => {
    const { page, saved } = await open();
    for (const kind of ["SVG", "PNG", "CSV"]) {
      await page.getByRole("button", { name: `Export ${kind}` }).click();
      await page.getByText(`Saved as /tmp/x.${kind.toLowerCase()}`).waitFor();
    }
    const [svg, png, csv] = saved.map(({ content }) => content);
    assert.match(svg!, /^<svg [^>]*width='800' height='450'/);
    assert.doesNotMatch(svg!, /var\(/);
    const bytes = Buffer.from(png!, "base64");
    assert.equal(bytes.toString("latin1", 1, 4), "PNG");
    assert.deepEqual([bytes.readUInt32BE(16), bytes.readUInt32BE(20)], [1600, 900]);
    const [head, first] = csv!.split("\r\n");
    assert.equal(
      head,
      'removed,smallest first,"smallest first, retrained",largest first,random,"random, lowest","random, highest"',
    );
    assert.equal(first, "0,0.9893,0.9893,0.9893,0.9893,0.9893,0.9893");
    await page.close();
  });

  it("says why nothing can be done: no data, no trust, another model, a failure", async () => {
    const { data, ...without } = facts;
    const noData = await open({ facts: without, status: { kind: "empty" } });
    await noData.page.getByText("no data for mnist-cnn.onnx").waitFor();
    await noData.page.getByRole("button", { name: "Choose Data" }).click();
    assert.deepEqual(await axeViolations(noData.page), []);
    await noData.page.close();

    const { page, remote, complaints } = await open({
      facts: { ...facts, trusted: false },
      memory: remembering(0, 4),
    });
    assert.equal(await page.locator("section vscode-button").count(), 0);
    for (const kind of ["SVG", "PNG", "CSV"])
      assert.ok(await page.getByRole("button", { name: `Export ${kind}` }).isDisabled());
    await remote.call("facts", { ...facts, revision: "r2" });
    assert.equal(await page.getByText("The model has changed").count(), 2);
    assert.equal(await page.locator("section vscode-button").count(), 0);
    await remote.call("status", { kind: "failed", message: "no labels <b>here</b>" });
    await page.getByText("failed: no labels <b>here</b>").waitFor();
    assert.deepEqual(complaints, []);
    await page.close();
  });

  interface Given {
    readonly theme?: string;
    readonly memory?: PanelMemory;
    readonly status?: CurveStatus;
    readonly facts?: Facts;
  }

  async function open(given: Given = {}) {
    const asked: CurveQuestion[] = [];
    const applied: (readonly LayerUnits[])[] = [];
    const saved: Export[] = [];
    let cancelled = 0;
    const { facts: known = facts, status = done, theme, memory } = given;
    const panel = await browser.open<RemovalCurveHost, RemovalCurvePanel>(
      "removalCurve",
      {
        open: () => ({ texts, facts: known, question, status }),
        compute(next) {
          asked.push(next);
          panel.remote.tell("status", { kind: "computing", detail: "" });
          return null;
        },
        cancel() {
          cancelled++;
          panel.remote.tell("status", { kind: "cancelled" });
          return null;
        },
        apply(units) {
          applied.push(units);
          return units.reduce((n, of) => n + of.units.length, 0);
        },
        save(file) {
          saved.push(file);
          return `/tmp/x.${file.kind}`;
        },
        chooseData: () => null,
      },
      { ...(theme === undefined ? {} : { theme }), ...(memory === undefined ? {} : { memory }) },
    );
    return { ...panel, asked, applied, saved, cancelled: () => cancelled };
  }
});

async function tabTo(page: Page, selector: string): Promise<void> {
  for (let presses = 0; presses < 20; presses++) {
    await page.keyboard.press("Tab");
    if (await page.evaluate((s) => document.activeElement?.matches(s), selector)) return;
  }
  assert.fail(`Tab never reaches ${selector}`);
}

const { curve } = removalCurve.example;

const share = (series: number, point: number): string =>
  curve.series[series]!.points[point]!.accuracy.toFixed(4);

const question: CurveQuestion = {
  removes: "units",
  layers: ["conv2"],
  criterion: "importance",
  orders: ["ascending", "descending", "random"],
  retrain: false,
};

const facts: Facts = {
  model: "/work/mnist-cnn.onnx",
  name: "mnist-cnn.onnx",
  revision: "r1",
  data: "t10k-images-idx3-ubyte.gz",
  layers: [
    { name: "conv1", units: 8, prunable: true },
    { name: "conv2", units: 16, prunable: true },
    { name: "fc", units: 10, prunable: false },
  ],
  trusted: true,
  accuracyGuard: 0.005,
};

const done: Extract<CurveStatus, { kind: "done" }> = {
  kind: "done",
  curve,
  revision: "r1",
  question,
};

const remembering = (series: number, point: number): PanelMemory => ({
  model: facts.model,
  question,
  selected: { series, point },
});

const texts: RemovalCurveTexts = {
  chart: ENGLISH,
  criteria: {
    importance: "importance",
    gradient: "gradient",
    taylor: "Taylor",
    "weight-norm": "norm",
    "bn-scale": "scale",
    activation: "activation",
    random: "at random",
  },
  title: "Removal curve",
  about: "{0} on {1}",
  what: "What is removed",
  allLayers: "All layers",
  layer: "{0} ({1} units)",
  inputs: "Inputs",
  criterion: "Ranked by",
  orders: "Order",
  retrain: "retrained on {0}",
  noTrainingData: "retrained: no data",
  compute: "Compute",
  cancel: "Cancel",
  computing: "Computing",
  cancelled: "It was cancelled",
  failed: "failed: {0}",
  empty: "Nothing computed",
  noData: "no data for {0}",
  chooseData: "Choose Data",
  noLayers: "no layers",
  changed: "The model has changed",
  chartKind: "point of the curve",
  chartHelp: "Arrow keys choose.",
  point: "Chosen point",
  pointName: "{0}: {1} removed",
  pointAccuracy: "accuracy {0} → {1} ({2} points)",
  pointBand: "between {0} and {1}",
  layerColumn: "layer",
  removedColumn: "removed",
  unitsColumn: "units",
  apply: "Apply",
  guard: "Largest within {0} points",
  noneWithin: "more than {0} points at once",
  applied: "{0} lines were deleted",
  comparison: "for comparison",
  inputsPoint: "inputs stay",
  nothingRemoved: "nothing removed",
  retrainedPoint: "after training",
  restricted: "restricted",
  table: "All points",
  export: "Export {0}",
  saved: "Saved as {0}",
};
