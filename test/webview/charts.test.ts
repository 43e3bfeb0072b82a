import assert from "node:assert/strict";
import type { RemovalSeries } from "#protocol/views/curve.ts";
import { ticks, tickTexts, widened } from "#webview/charts/axes.ts";
import type { Chart } from "#webview/charts/chart.ts";
import { classBars } from "#webview/charts/classBars.ts";
import { denseKernel, kernel } from "#webview/charts/kernel.ts";
import { svgDataUri } from "#webview/charts/svgDataUri.ts";
import { charts } from "#webview/charts/table.ts";
import { golden } from "../support/golden.ts";

describe("charts", () => {
  goldenChart(charts.classBars);
  goldenChart(charts.kernel);
  goldenChart(charts.removalCurve);

  it("draw classes of any name and number in at most 14 pixels each", () => {
    const names = ["<script>", "a & 'b'", "\u0000\ud800", "very long name of a class"];
    const few = classBars.render({ classes: names, values: [1, -1, Number.NaN, 0] });
    golden("charts/classBars-names.svg", few);
    const many = classBars.render({
      classes: wave(1000).map((_, c) => `class ${c}`),
      values: wave(1000),
    });
    assert.match(many, /height='224'/);
    assert.match(many, /\+ 985 more/);
  });

  it("draw kernels of every shape small enough for a hover", () => {
    const pictures = {
      pointwise: kernel.render({ shape: [64, 1, 1], weights: wave(64) }),
      filter: kernel.render({ shape: [48, 3, 3], weights: wave(432) }),
      image: kernel.render(denseKernel(wave(784), [1, 28, 28])),
      strip: kernel.render(denseKernel(wave(100))),
      huge: kernel.render(denseKernel(wave(150_528), [3, 224, 224])),
      large: kernel.render({ shape: [64, 11, 11], weights: wave(7744) }),
      zero: kernel.render({ shape: [1, 3, 3], weights: new Float32Array(9) }),
      empty: kernel.render({ shape: [0, 3, 3], weights: [] }),
    };
    for (const [name, picture] of Object.entries(pictures)) {
      assert.ok(svgDataUri(picture).length < 90_000, `${name}: ${svgDataUri(picture).length}`);
      assert.doesNotMatch(picture, /NaN|undefined|Infinity/, name);
    }
    golden("charts/kernel-filter.svg", pictures.filter);
    golden("charts/kernel-strip.svg", pictures.strip);
    assert.match(pictures.filter, /\+16 channels/);
  }).timeout(20_000);

  it("list in their tables all that they draw, and what they leave out", () => {
    assert.equal(classBars.table({ classes: ["a", "b"], values: [1, 2] }).rows.length, 2);
    const rows = kernel.table({ shape: [2, 1, 2], weights: [1, 2, 3, 4] }).rows;
    assert.deepEqual(rows, [
      [0, 0, 0, 1],
      [0, 0, 1, 2],
      [1, 0, 0, 3],
      [1, 0, 1, 4],
    ]);
  });

  it("draw removal curves of any shape: flat, of one point, of many, with odd names", () => {
    const { curve } = charts.removalCurve.example;
    const flat = { ...curve, baseline: 1, series: [series([[0, 1]])] };
    const many = Array.from({ length: 33 }, (_, i) => [i * 31, Math.abs(Math.cos(i / 9))] as const);
    const pictures = {
      flat: { curve: flat },
      nan: {
        curve: {
          ...curve,
          series: [
            series([
              [0, Number.NaN],
              [1, 0.5],
            ]),
          ],
        },
      },
      none: { curve: { ...curve, series: [] } },
      many: { curve: { ...curve, model: "<b>&'", series: [series(many)] }, width: 360 },
      outside: { ...charts.removalCurve.example, selected: { series: 9, point: 99 } },
    };
    for (const [name, data] of Object.entries(pictures)) {
      const picture = charts.removalCurve.render(data);
      assert.doesNotMatch(picture, /NaN|undefined|Infinity|<b>/, name);
    }
    const paper = charts.removalCurve.render({ ...charts.removalCurve.example, paper: true });
    assert.doesNotMatch(paper, /var\(/);
  });

  it("have ticks at round numbers inside the range", () => {
    assert.deepEqual(ticks(0, 1, 6), [0, 0.2, 0.4, 0.6, 0.8, 1]);
    assert.deepEqual(ticks(0, 30, 8), [0, 5, 10, 15, 20, 25, 30]);
    assert.deepEqual(ticks(0, 3, 10, 1), [0, 1, 2, 3]);
    assert.deepEqual(ticks(0.93, 0.99, 4), [0.94, 0.96, 0.98]);
    assert.deepEqual(widened(0.93, 0.99, 6), [0.92, 1]);
    assert.deepEqual(tickTexts([0, 0.5, 1]), ["0.0", "0.5", "1.0"]);
  });

  it("become addresses that a Markdown image can hold, and come back whole", () => {
    const picture = classBars.render({ classes: ["(x) | `y` *", "猫"], values: [1, 2] });
    const address = svgDataUri(picture);
    assert.match(address, /^data:image\/svg\+xml,[\w%.,:;=/~'-]+$/);
    assert.equal(decodeURIComponent(address.slice(address.indexOf(",") + 1)), picture);
  });
});

const series = (points: readonly (readonly [number, number])[]): RemovalSeries => ({
  order: "ascending",
  retrained: false,
  points: points.map(([removed, accuracy]) => ({ removed, accuracy })),
  area: 0.5,
});

function goldenChart<Data>(chart: Chart<Data>): void {
  it(`draw ${chart.name} as ever`, () =>
    golden(`charts/${chart.name}.svg`, chart.render(chart.example)));
}

/** Smooth numbers in [−1, 1], the same on every machine to the digits shown. */
function wave(length: number): number[] {
  return Array.from(
    { length },
    (_, i) => Math.round(Math.sin(i * 12.9898) * Math.cos(i * 0.37) * 1000) / 1000,
  );
}
