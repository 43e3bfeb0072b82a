import type { ByteSource } from "../../data/dataset.ts";
import { fail } from "../../problem.ts";
import type { Siblings } from "../format.ts";
import type { TensorProto } from "./schema.ts";

/** A stretch of bytes in a file. */
export interface Stretch {
  readonly source: ByteSource;
  readonly start: number;
  readonly end: number;
}

/** Why a path must not be followed; undefined: it stays in the model's folder. */
export function unsafePath(path: string): string | undefined {
  if (path === "") return "is empty";
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  if (/[\u0000-\u001f\u007f]/.test(path)) return "has a control character";
  if (path.startsWith("/") || /^[a-z]:/i.test(path)) return "is absolute";
  if (path.includes("\\")) return "has a backslash";
  if (path.split("/").includes("..")) return "leaves the model's folder";
  return undefined;
}

/** Opens what external_data entries refer to, each file once; `opened` are those by their paths. */
export function externalFiles(siblings: Siblings, model: string) {
  const opened = new Map<string, ByteSource>();
  return { locate, opened: opened as ReadonlyMap<string, ByteSource> };

  async function locate(proto: TensorProto, bytes: number): Promise<Stretch> {
    const place = `tensor ${proto.name}`;
    const entry = (key: string) => proto.externalData.find((e) => e.key === key)?.value;
    const wrong = (why: string): never => fail("unreadable-model", why, model, place);
    const path = entry("location") ?? wrong("its external data have no location");
    const unsafe = unsafePath(path);
    if (unsafe !== undefined)
      wrong(
        `its external data are at "${printable(path)}", which ${unsafe}: they must be beside the model`,
      );
    const number = (key: string, absent: number): number => {
      const text = entry(key) ?? String(absent);
      return /^\d{1,15}$/.test(text)
        ? Number(text)
        : wrong(`its external data have ${key} "${printable(text)}", not a number`);
    };
    const start = number("offset", 0);
    const length = number("length", bytes);
    if (length !== bytes) wrong(`its external data have ${length} bytes, its shape needs ${bytes}`);
    const known = opened.get(path);
    const source =
      known ??
      (await siblings.open(path)) ??
      wrong(`its weights are in the file "${path}", which is missing: put it beside the model`);
    opened.set(path, source);
    if (start + length > source.size)
      wrong(
        `its external data are bytes ${start} to ${start + length} of "${path}", which has only ${source.size}`,
      );
    return { source, start, end: start + length };
  }
}

export type Locate = ReturnType<typeof externalFiles>["locate"];

const printable = (text: string): string => JSON.stringify(text.slice(0, 200)).slice(1, -1);
