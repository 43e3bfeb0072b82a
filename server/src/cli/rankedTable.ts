import type { Importance, LayerImportance } from "#protocol/views/importance.ts";

const SHOWN = 5;

/** The units of every layer, most important first; the middle is left out. */
export function rankedTable({ layers, refused = [] }: Importance, top?: number): string {
  const reasons = new Map(refused.map((r) => [r.layer, r.because]));
  const tables = layers
    .map((layer) => layerTable(layer, reasons.get(layer.name) ?? "", top))
    .join("\n");
  const shown = new Set(layers.map((layer) => layer.name));
  const others = refused.filter((r) => !shown.has(r.layer));
  return others.reduce(
    (text, { layer, op, because }) => `${text}\n${layer}  ${op}  not computed: ${because}\n`,
    tables,
  );
}

function layerTable(layer: LayerImportance, refused: string, top: number | undefined): string {
  const { name, op, units, index, importance, active, sigma } = layer;
  const order = importance
    .map((_, u) => u)
    .sort((a, b) => importance[b]! - importance[a]! || a - b);
  const whole = top === undefined && units <= 2 * SHOWN + 1;
  const first = whole ? order : order.slice(0, top ?? SHOWN);
  const last = whole || top !== undefined ? [] : order.slice(-SHOWN);
  const spread = index === "activation";
  const row = (u: number) =>
    `  ${String(order.indexOf(u) + 1).padStart(5)}  ${`${name}/${u}`.padEnd(name.length + 6)}  ${show(importance[u]!)}  ${spread ? "" : `${show(sigma[u]!)}  `}${(100 * active[u]!).toFixed(1).padStart(5)} %`;
  const relied =
    layer.reliability === undefined ? "" : `, reliability ${layer.reliability.toFixed(2)}`;
  const by = spread ? `no importance: ${refused}; ranked by std(a)` : `ranked by ${index}${relied}`;
  const title = `${name}  ${op}  ${units} units, ${by}${layer.output ? "  (outputs)" : ""}`;
  const head = `  ${"rank".padStart(5)}  ${"unit".padEnd(name.length + 6)}  ${(spread ? "std(a)" : "importance").padStart(10)}  ${spread ? "" : `${"sigma".padStart(10)}  `} active`;
  const gap = last.length > 0 ? [`  ${"…".padStart(5)}  (${units - 2 * SHOWN} more)`] : [];
  return `${[title, head, ...first.map(row), ...gap, ...last.map(row)].join("\n")}\n`;
}

const show = (value: number): string => value.toPrecision(4).padStart(10);
