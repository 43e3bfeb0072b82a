import type { Facts } from "../model.ts";
import { type JsonRecord, record, text } from "./json.ts";
import type { Manifest } from "./manifest.ts";

export function factsOf(model: JsonRecord, kind: string, manifest: Manifest): Facts {
  const quantised = [...manifest.weights.values()].flatMap((w) => w?.quantised ?? []);
  const generated = text(model.generatedBy);
  const producer = /^\d/.test(generated) ? `tensorflow ${generated}` : generated;
  const converter = text(model.convertedBy);
  const metadata = Object.entries(record(model.userDefinedMetadata) ?? {}).flatMap(
    ([key, value]): [string, string][] =>
      ["string", "number", "boolean"].includes(typeof value) ? [[key, String(value)]] : [],
  );
  return {
    dialect: `tfjs ${kind} model`,
    producer: [producer, converter === "None" ? "" : converter].filter(Boolean).join(", "),
    docString: "",
    metadata: new Map(metadata),
    widened: [...new Set(quantised)].sort(),
    nodes: 0,
  };
}
