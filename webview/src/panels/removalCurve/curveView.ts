import type { RemovalCurveTexts } from "#protocol/panels/removalCurve.ts";
import type { RemovalCurve } from "#protocol/views/curve.ts";
import type { RemovalCurveChart, SelectedPoint } from "../../charts/removalCurve/data.ts";
import { nearestPoint } from "../../charts/removalCurve/layout.ts";
import { description, filled, seriesName, share } from "../../charts/removalCurve/texts.ts";
import { removalCurve } from "../../charts/removalCurve.ts";
import { element, setAttributes } from "../../elements/element.ts";

export interface CurveView {
  readonly root: HTMLElement;
  show(curve: RemovalCurve, selected?: SelectedPoint): void;
}

/** Pages of the keyboard. */
const PAGE = 5;

/**
 * The chart as a control: its value is a point. A click or the arrow keys choose one (`select`), Enter goes
 * on to what is said of it (`enter`).
 */
export function curveView(
  texts: RemovalCurveTexts,
  select: (point: SelectedPoint) => void,
  enter: () => void,
): CurveView {
  let shown: RemovalCurveChart | undefined;
  const about = element("p", { id: "chart-description", class: "spoken" });
  const help = element("p", { id: "chart-help", class: "note" }, texts.chartHelp);
  const chart = element("div", {
    class: "chart",
    role: "slider",
    tabindex: 0,
    "aria-label": texts.chartKind,
    "aria-describedby": "chart-description chart-help",
  });
  const root = element("div", {}, chart, help, about);

  function draw(): void {
    if (shown === undefined) return;
    const width = Math.max(360, Math.min(1000, root.clientWidth || 640));
    const data = { ...shown, width, height: Math.round(Math.min(440, 160 + width * 0.3)) };
    shown = data;
    // The chart escapes all text in it.
    chart.innerHTML = removalCurve.render(data);
    chart.querySelector("svg")?.setAttribute("aria-hidden", "true");
    const { curve, selected } = data;
    const { series, point } = selected ?? { series: 0, point: 0 };
    const points = curve.series[series]?.points ?? [];
    setAttributes(chart, {
      "aria-valuemin": 0,
      "aria-valuemax": points.at(-1)?.removed ?? 0,
      "aria-valuenow": points[point]?.removed ?? 0,
      "aria-valuetext": selected === undefined ? description(data) : pointText(data, selected),
    });
  }

  function pointText({ curve }: RemovalCurveChart, at: SelectedPoint): string {
    const series = curve.series[at.series];
    const point = series?.points[at.point];
    if (series === undefined || point === undefined) return "";
    const name = filled(texts.pointName, seriesName(series, texts.chart), point.removed);
    return `${name}, ${texts.chart.accuracy} ${share(point.accuracy)}`;
  }

  chart.addEventListener("click", (event) => {
    const { left, top } = chart.getBoundingClientRect();
    const at = shown && nearestPoint(shown, [event.clientX - left, event.clientY - top]);
    if (at !== undefined) select(at);
  });
  chart.addEventListener("keydown", (event) => {
    if (shown === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Enter") enter();
    else {
      const to = moved(shown, event.key);
      if (to === undefined) return;
      select(to);
    }
    event.preventDefault();
  });
  new ResizeObserver(() => draw()).observe(root);

  return {
    root,
    show(curve, selected) {
      shown = { curve, texts: texts.chart, ...(selected === undefined ? {} : { selected }) };
      draw();
      about.textContent = description(shown);
    },
  };
}

/** Where a key leads from the selected point; undefined for keys that lead nowhere. */
function moved({ curve, selected }: RemovalCurveChart, key: string): SelectedPoint | undefined {
  const { series, point } = selected ?? { series: 0, point: -1 };
  const last = (curve.series[series]?.points.length ?? 1) - 1;
  const along = (to: number) => ({ series, point: Math.max(0, Math.min(last, to)) });
  const across = (step: number) => {
    const count = curve.series.length;
    const other = (series + step + count) % count;
    const removed = curve.series[series]?.points[Math.max(0, point)]?.removed ?? 0;
    const points = curve.series[other]?.points ?? [];
    const nearest = points.reduce(
      (best, p, i) =>
        Math.abs(p.removed - removed) < Math.abs((points[best]?.removed ?? 0) - removed) ? i : best,
      0,
    );
    return { series: other, point: nearest };
  };
  switch (key) {
    case "ArrowLeft":
      return along(point - 1);
    case "ArrowRight":
      return along(point + 1);
    case "PageUp":
      return along(point + PAGE);
    case "PageDown":
      return along(point - PAGE);
    case "Home":
      return along(0);
    case "End":
      return along(last);
    case "ArrowUp":
      return across(-1);
    case "ArrowDown":
      return across(1);
    default:
      return undefined;
  }
}
