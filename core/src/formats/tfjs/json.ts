import { strFromU8 } from "fflate";
import type { ByteSource } from "../../data/dataset.ts";
import { type Limits, many, refuseOver } from "../../limits.ts";
import { fail } from "../../problem.ts";

export type JsonRecord = { readonly [key: string]: unknown };

/** The value as an object; undefined for everything else. */
export const record = (value: unknown): JsonRecord | undefined =>
  typeof value === "object" && value !== null && !Array.isArray(value)
    ? (value as JsonRecord)
    : undefined;

export const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

export const text = (value: unknown): string => (typeof value === "string" ? value : "");

/** protobuf's JSON writes 64-bit integers as strings and not-a-number as a word. */
export function number(value: unknown): number | undefined {
  if (typeof value === "number") return value;
  if (typeof value !== "string" || value.trim() === "") return undefined;
  const found = Number(value);
  return Number.isNaN(found) && value !== "NaN" ? undefined : found;
}

/** Characters that one string holds at most in JavaScript. */
const LONGEST_STRING = 2 ** 29 - 24;

/** The JSON of a file. Rejects with ProblemError where there is none. */
export async function readJson(
  source: ByteSource,
  limits: Limits,
): Promise<{ json: JsonRecord; text: string }> {
  if (source.size > limits.jsonBytes)
    refuseOver(limits, "jsonBytes", `the file has ${many(source.size)} bytes`, source.name);
  if (source.size > LONGEST_STRING)
    fail(
      "unreadable-model",
      `the file has ${many(source.size)} bytes, more than one text can have (${many(LONGEST_STRING)}): convert the model again, as a graph model`,
      source.name,
    );
  const content = strFromU8(await source.read(0, source.size)).replace(/^\uFEFF/, "");
  try {
    const json = record(JSON.parse(content));
    if (json !== undefined) return { json, text: content };
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    const at = /position (\d+)/.exec(why);
    fail(
      "unreadable-model",
      `it is not valid JSON (${why.slice(0, 200)}): the file is damaged`,
      source.name,
      `byte ${at?.[1] ?? source.size}`,
    );
  }
  return fail("unreadable-model", "it is not a JSON object", source.name, "byte 0");
}
