import type {
  CurveStatus,
  Export,
  Facts,
  Opening,
  PanelMemory,
} from "#protocol/panels/removalCurve.ts";
import type { CurveQuestion } from "#protocol/requests.ts";
import type { LayerUnits } from "#protocol/views/ranking.ts";
import type { SelectedPoint } from "../../charts/removalCurve/data.ts";
import { filled, share } from "../../charts/removalCurve/texts.ts";
import { removalCurve } from "../../charts/removalCurve.ts";
import { button } from "../../elements/button.ts";
import { dataTable } from "../../elements/dataTable.ts";
import { element } from "../../elements/element.ts";
import { progressBar } from "../../elements/progressBar.ts";
import { csv, png } from "../exports.ts";
import { curveView } from "./curveView.ts";
import { form } from "./form.ts";
import { largestWithin } from "./largestWithin.ts";
import { type PointView, pointView } from "./pointView.ts";

/** What the page asks of the client. */
export interface Wishes {
  remember(memory: PanelMemory): void;
  compute(question: CurveQuestion): Promise<void>;
  cancel(): Promise<void>;
  apply(units: readonly LayerUnits[]): Promise<number>;
  save(file: Export): Promise<string | null>;
  chooseData(): Promise<void>;
}

/** Builds the page: form, progress, chart, what is said of the chosen point, table, exports. */
export function panelView(
  root: HTMLElement,
  { texts, ...opening }: Opening,
  before: SelectedPoint | undefined,
  wishes: Wishes,
) {
  let { facts, question, status } = opening;
  let selected = before;
  let point: PointView | undefined;

  const about = element("p", { class: "about" });
  const questions = element("div");
  const compute = button(texts.compute, () => attempt(() => wishes.compute(question)), "primary");
  const cancel = button(texts.cancel, () => attempt(wishes.cancel));
  const bar = progressBar(texts.computing);
  const notice = element("div", { role: "status" });
  const said = element("div", { role: "status" });
  const chart = curveView(texts, choose, () => point?.focus());
  const chosen = element("div");
  const table = element("div");
  const summary = element("summary", {}, texts.table);
  const exporting = (["svg", "png", "csv"] as const).map((kind) =>
    button(filled(texts.export, kind.toUpperCase()), () => attempt(() => save(kind))),
  );
  const guard = button("", () => attempt(chooseWithin));
  const restricted = element("p", { class: "note" }, texts.restricted);
  const result = element(
    "div",
    {},
    chart.root,
    element("div", { class: "actions" }, guard),
    chosen,
    said,
    element("details", {}, summary, table),
    element("div", { class: "actions" }, ...exporting),
    restricted,
  );
  root.replaceChildren(
    element("h1", {}, texts.title),
    about,
    questions,
    element("div", { class: "actions" }, compute, cancel, bar.root),
    notice,
    result,
  );

  function remember(): void {
    const memory = { model: facts.model, question };
    wishes.remember(selected === undefined ? memory : { ...memory, selected });
  }

  function ask(next: CurveQuestion): void {
    question = next;
    update();
    remember();
  }

  function choose(next: SelectedPoint): void {
    selected = next;
    said.replaceChildren();
    draw();
    remember();
  }

  /** The point that prunes most within the guard. */
  async function chooseWithin(): Promise<void> {
    if (status.kind !== "done") return;
    const at = largestWithin(status.curve, facts.accuracyGuard);
    if (at !== undefined) choose(at);
    if (at === undefined || status.curve.series[at.series]?.points[at.point]?.removed === 0)
      said.replaceChildren(warning(filled(texts.noneWithin, points(facts.accuracyGuard))));
    else point?.focus();
  }

  /** What fails is said where one looks. */
  function attempt(work: () => Promise<unknown>): void {
    work().catch((error: unknown) => {
      const message = error instanceof Error ? error.message : String(error);
      said.replaceChildren(warning(message, "error"));
    });
  }

  async function apply(units: readonly LayerUnits[]): Promise<void> {
    const lines = await wishes.apply(units);
    said.replaceChildren(warning(filled(texts.applied, lines)));
  }

  async function save(kind: Export["kind"]): Promise<void> {
    if (status.kind !== "done") return;
    const data = { curve: status.curve, texts: texts.chart, paper: true, width: 800, height: 450 };
    const content =
      kind === "csv"
        ? csv(removalCurve.table(data))
        : kind === "svg"
          ? removalCurve.render(data)
          : await png(removalCurve.render(data), 2);
    const file = await wishes.save({ kind, content });
    if (file !== null) said.replaceChildren(warning(filled(texts.saved, file)));
  }

  /** The form, anew: the layers may be others. */
  function rebuild(): void {
    about.textContent = filled(texts.about, facts.name, facts.data ?? "–");
    questions.replaceChildren(form(texts, facts, question, ask));
    for (const each of exporting) each.disabled = !facts.trusted;
    restricted.hidden = facts.trusted;
  }

  function update(): void {
    const computing = status.kind === "computing";
    const some = facts.layers.some(({ prunable }) => prunable);
    compute.disabled =
      computing ||
      facts.data === undefined ||
      question.orders.length === 0 ||
      (question.removes === "units" && !some);
    compute.hidden = computing;
    cancel.hidden = !computing;
    bar.root.hidden = !computing;
    if (status.kind === "computing") bar.set(status.share, status.detail);
    result.hidden = status.kind !== "done";
    notice.replaceChildren(...notices());
  }

  function notices(): HTMLElement[] {
    if (facts.data === undefined) {
      const choose = button(texts.chooseData, () => attempt(wishes.chooseData));
      return [warning(filled(texts.noData, facts.name), "warning"), choose];
    }
    if (question.removes === "units" && !facts.layers.some(({ prunable }) => prunable))
      return [warning(texts.noLayers, "warning")];
    switch (status.kind) {
      case "empty":
        return [warning(texts.empty)];
      case "cancelled":
        return [warning(texts.cancelled)];
      case "failed":
        return [warning(filled(texts.failed, status.message), "error")];
      case "done":
        return status.revision === facts.revision ? [] : [warning(texts.changed, "warning")];
      case "computing":
        return [];
    }
  }

  /** Chart, point and table of the curve that is there. */
  function draw(): void {
    if (status.kind !== "done") return;
    const { curve } = status;
    chart.show(curve, selected);
    guard.hidden = largestWithin(curve, facts.accuracyGuard) === undefined;
    guard.textContent = filled(texts.guard, points(facts.accuracyGuard));
    point =
      selected && pointView(texts, facts, status, selected, (units) => attempt(() => apply(units)));
    chosen.replaceChildren(...(point === undefined ? [] : [point.root]));
    const text = (value: string | number, column: number) =>
      typeof value === "number" && column > 0 ? share(value) : String(value);
    const data = removalCurve.table({ curve, texts: texts.chart });
    table.replaceChildren(dataTable(texts.table, data, text));
  }

  function show(): void {
    update();
    draw();
  }

  rebuild();
  show();
  remember();
  return {
    status(next: CurveStatus): void {
      if (next.kind === "done" && status.kind !== "done") selected = undefined;
      status = next;
      said.replaceChildren();
      show();
      remember();
    },
    facts(next: Facts): void {
      if (JSON.stringify(next) === JSON.stringify(facts)) return;
      facts = next;
      rebuild();
      show();
    },
    preselect(layer: string): void {
      if (!facts.layers.some(({ name, prunable }) => prunable && name === layer)) return;
      ask({ ...question, removes: "units", layers: [layer] });
      rebuild();
    },
  };
}

/** "0.5" of 0.005. */
const points = (accuracy: number): string => String(Number((100 * accuracy).toPrecision(6)));

function warning(text: string, kind?: "error" | "warning"): HTMLElement {
  return element("p", { class: kind === undefined ? "notice" : `notice ${kind}` }, text);
}
