import type { Facts, RemovalCurveTexts } from "#protocol/panels/removalCurve.ts";
import type { CurveQuestion } from "#protocol/requests.ts";
import type { RemovalOrder } from "#protocol/views/curve.ts";
import { CRITERIA, type Criterion } from "#protocol/views/ranking.ts";
import { filled } from "../../charts/removalCurve/texts.ts";
import { checkbox } from "../../elements/checkbox.ts";
import { dropdown } from "../../elements/dropdown.ts";
import { element } from "../../elements/element.ts";

const ORDERS: readonly RemovalOrder[] = ["ascending", "descending", "random"];
const ALL = "units";
const INPUTS = "inputs";
const LAYER = "layer:";

/** What is asked: `changed` gets each new question. */
export function form(
  texts: RemovalCurveTexts,
  { layers, train }: Facts,
  question: CurveQuestion,
  changed: (question: CurveQuestion) => void,
): HTMLElement {
  let asked = question;
  const ask = (part: Partial<CurveQuestion>) => {
    asked = { ...asked, ...part };
    update();
    changed(asked);
  };
  const what = dropdown(
    texts.what,
    [
      { value: ALL, text: texts.allLayers },
      ...layers
        .filter(({ prunable }) => prunable)
        .map(({ name, units }) => ({
          value: LAYER + name,
          text: filled(texts.layer, name, units),
        })),
      { value: INPUTS, text: texts.inputs },
    ],
    chosen(question),
    (value) => ask(whatOf(value)),
  );
  const criterion = dropdown(
    texts.criterion,
    CRITERIA.map((value) => ({ value, text: texts.criteria[value] })),
    question.criterion,
    (value) => ask({ criterion: value as Criterion }),
  );
  const orders = ORDERS.map((order) =>
    checkbox(texts.chart[order], question.orders.includes(order), (checked) =>
      ask({ orders: ORDERS.filter((o) => (o === order ? checked : asked.orders.includes(o))) }),
    ),
  );
  const retrain = checkbox(
    train === undefined ? texts.noTrainingData : filled(texts.retrain, train),
    question.retrain && train !== undefined,
    (checked) => ask({ retrain: checked }),
  );
  function update(): void {
    const inputs = asked.removes === "inputs";
    // Inputs have no weights and no activation: they are ranked by importance.
    criterion.dropdown.disabled = inputs;
    if (inputs && criterion.dropdown.value !== "importance")
      criterion.dropdown.value = "importance";
    retrain.disabled = train === undefined || inputs;
  }
  update();
  const group = element("fieldset", {}, element("legend", {}, texts.orders), ...orders, retrain);
  return element("div", { class: "form" }, what.root, criterion.root, group);
}

function chosen({ removes, layers }: CurveQuestion): string {
  if (removes === "inputs") return INPUTS;
  const [layer] = layers;
  return layer === undefined ? ALL : LAYER + layer;
}

function whatOf(value: string): Partial<CurveQuestion> {
  if (value === INPUTS)
    return { removes: "inputs", layers: [], criterion: "importance", retrain: false };
  return {
    removes: "units",
    layers: value.startsWith(LAYER) ? [value.slice(LAYER.length)] : [],
  };
}
