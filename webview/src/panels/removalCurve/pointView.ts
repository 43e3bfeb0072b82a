import type { Facts, RemovalCurveTexts } from "#protocol/panels/removalCurve.ts";
import type { RemovalCurve } from "#protocol/views/curve.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import type { SelectedPoint } from "../../charts/removalCurve/data.ts";
import { filled, seriesName, share } from "../../charts/removalCurve/texts.ts";
import { button } from "../../elements/button.ts";
import { dataTable } from "../../elements/dataTable.ts";
import { element } from "../../elements/element.ts";
import { removedUnits } from "./removed.ts";

export interface PointView {
  readonly root: HTMLElement;
  /** Moves the keyboard to the button that applies the point, or to the words where there is none. */
  focus(): void;
}

/** What a point removes and what that costs, with the button that takes it into the listing. */
export function pointView(
  texts: RemovalCurveTexts,
  { layers, trusted, revision }: Facts,
  done: { readonly curve: RemovalCurve; readonly revision: string },
  at: SelectedPoint,
  apply: (units: readonly LayerUnits[]) => void,
): PointView | undefined {
  const { curve } = done;
  const series = curve.series[at.series];
  const point = series?.points[at.point];
  if (series === undefined || point === undefined) return undefined;
  const heading = element("h2", { tabindex: -1 }, texts.point);
  const name = filled(texts.pointName, seriesName(series, texts.chart), point.removed);
  const words = [`${name}: ${accuracyText(texts, curve.baseline, point.accuracy)}`];
  if (point.band !== undefined)
    words.push(filled(texts.pointBand, ...point.band.map((end) => share(end))));
  const root = element(
    "section",
    { "aria-label": texts.point },
    heading,
    paragraph(words.join(", ")),
  );
  const units = series.order === "ascending" ? removedUnitsOf(curve, point.removed) : [];
  const cannot = refusal();
  if (units.length > 0) {
    const total = new Map(layers.map((layer) => [layer.name, layer.units]));
    const rows = units.map(({ layer, units: of }) => [
      layer,
      `${of.length} / ${total.get(layer) ?? "?"}`,
      of.join(", "),
    ]);
    const columns = [texts.layerColumn, texts.removedColumn, texts.unitsColumn];
    const table = dataTable(texts.unitsColumn, { columns, rows });
    table.classList.add("units");
    root.append(table);
  }
  if (cannot !== undefined) {
    root.append(paragraph(cannot, "note"));
    return { root, focus: () => heading.focus() };
  }
  const use = button(texts.apply, () => apply(units), "primary");
  root.append(element("div", { class: "actions" }, use));
  if (series.retrained) root.append(paragraph(texts.retrainedPoint, "note"));
  return { root, focus: () => use.focus() };

  function refusal(): string | undefined {
    if (curve.removes === "inputs") return texts.inputsPoint;
    if (series?.order !== "ascending") return texts.comparison;
    if (units.length === 0) return texts.nothingRemoved;
    if (done.revision !== revision) return texts.changed;
    return trusted ? undefined : texts.restricted;
  }
}

const removedUnitsOf = (curve: RemovalCurve, groups: number): readonly LayerUnits[] =>
  curve.removes === "inputs" ? [] : removedUnits(curve, groups);

const paragraph = (text: string, name?: string): HTMLElement => element("p", { class: name }, text);

/** "accuracy 0.9893 → 0.9650 (−2.43 points)". */
function accuracyText(texts: RemovalCurveTexts, before: number, after: number): string {
  const points = ((after - before) * 100).toFixed(2).replace("-", "−");
  const signed = after > before ? `+${points}` : points;
  return filled(texts.pointAccuracy, share(before), share(after), signed);
}
