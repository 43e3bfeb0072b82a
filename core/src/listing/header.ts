import type { Importance } from "#protocol/views/importance.ts";
import type { ModelView, ValueView } from "#protocol/views/model.ts";
import { count, large } from "../report/numbers.ts";
import { aligned } from "./align.ts";
import { listingMessages } from "./messages.ts";
import { name, plain, quoted } from "./names.ts";
import type { Draft, ListingData, ListingOptions } from "./write.ts";

/** The lines above the layers: the model, its data or what to do without, its inputs. */
export function header(
  model: ModelView,
  importance: Importance | undefined,
  options: ListingOptions,
): readonly Draft[] {
  const texts = listingMessages(options.locale);
  const data = options.data ?? dataOf(importance);
  const facts = [plain(model.format), texts.parameters(count(model.parameters))];
  if (model.macs !== undefined) facts.push(`${large(model.macs)} MAC`);
  const rows = [[`model ${quoted(model.name)}`, comment(facts.join("; "))]];
  if (data !== undefined) rows.push([`data  ${quoted(data.name)}`, comment(describe(data, texts))]);
  const [first, second] = aligned(rows);
  const remarks = [
    ...(data === undefined ? [texts.noData(quoted(model.name))] : []),
    ...(importance?.note === undefined ? [] : [importance.note]),
    ...model.problems,
  ];
  return [
    { kind: "model", text: first },
    ...(data === undefined ? [] : [{ kind: "data" as const, text: second }]),
    ...remarks.map((text) => ({ kind: "comment" as const, text: comment(text) })),
    ...(model.inputs.length === 0 ? [] : [{ kind: "blank" as const, text: "" }]),
    ...model.inputs.map((input) => ({ kind: "input" as const, text: inputLine(input) })),
  ];
}

function dataOf(importance: Importance | undefined): ListingData | undefined {
  if (importance === undefined || importance.data === "") return undefined;
  return { name: importance.data, samples: importance.samples, accuracy: importance.accuracy };
}

function describe(
  { samples, accuracy }: ListingData,
  texts: ReturnType<typeof listingMessages>,
): string {
  if (samples === undefined) return texts.notComputed();
  const parts = [texts.samples(count(samples))];
  if (accuracy !== undefined) parts.push(texts.accuracy(accuracy.toFixed(4)));
  return parts.join("; ");
}

function inputLine({ name: input, dtype, shape }: ValueView): string {
  const dims = shape.map((dim) => plain(String(dim)).replace(/[\s,[\]]+/g, "_"));
  return `input ${name(input)}  ${plain(dtype)}[${dims.join(", ")}]`;
}

function comment(text: string): string {
  return `# ${text.replace(/[\p{C}\u2028\u2029]+/gu, " ")}`;
}
