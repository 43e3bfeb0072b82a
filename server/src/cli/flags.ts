import { isLength, LENGTHS } from "#core/data/images/arrange.ts";
import type { Preprocess } from "#core/data/preprocess.ts";
import type { DataSpec } from "#core/data/spec.ts";
import { defined } from "#core/defined.ts";
import { fail } from "#core/problem.ts";
import type { Arguments, Flags } from "./command.ts";

/** Flags that every command has. */
export const commonFlags = {
  json: { type: "boolean" },
  "open-anyway": { type: "boolean" },
  help: { type: "boolean", short: "h" },
} satisfies Flags;

/** Flags of commands that read data. */
export const dataFlags = {
  data: { type: "string" },
  labels: { type: "string" },
  scale: { type: "string" },
  mean: { type: "string" },
  std: { type: "string" },
  layout: { type: "string" },
  size: { type: "string" },
  resize: { type: "string" },
  crop: { type: "string" },
  channels: { type: "string" },
  limit: { type: "string" },
} satisfies Flags;

export const dataHelp = [
  [
    "--data DATA",
    "data: IDX (.gz), .npz, .npy, .csv#target=column, or a folder of PNG or JPEG files",
  ],
  ["--labels FILE", "labels, when they are not in or beside the data, or the names of folders"],
  ["--scale S", "multiplies every value (1/255: 0.00392156862745098)"],
  ["--mean A,B,C", "subtracted per channel after scaling"],
  ["--std A,B,C", "divides per channel"],
  ["--layout NCHW|NHWC", "where the model's input has its channels"],
  ["--size H,W|S", "pictures: resized to H,W, or until the shorter side is S"],
  ["--resize bilinear|nearest", "pictures: how (default: bilinear, with antialiasing)"],
  ["--crop H,W", "pictures: cut from the middle after resizing"],
  ["--channels rgb|bgr|grey", "pictures: their channels (default: by the model's input)"],
  [
    "--limit N",
    "only N samples: the first of an array; of a folder or table, one drawn from each of N equal stretches, the same every time",
  ],
] as const;

/** Flags of commands that compute. */
export const computeFlags = {
  engine: { type: "string" },
  processes: { type: "string" },
  batch: { type: "string" },
} satisfies Flags;

export const computeHelp = [
  ["--engine onnxruntime|tfjs", "what runs the graphs (default: onnxruntime)"],
  ["--processes N", "compute processes (default: one per core)"],
  ["--batch N", "samples in one run (default: by the size of the model)"],
] as const;

export function text({ values }: Arguments, flag: string): string | undefined {
  const value = values[flag];
  return typeof value === "string" ? value : undefined;
}

export const list = (args: Arguments, flag: string): readonly string[] =>
  (args.values[flag] as readonly string[] | undefined) ?? [];

export function number(
  args: Arguments,
  flag: string,
  valid: (n: number) => boolean,
  expected: string,
): number | undefined {
  const given = text(args, flag);
  if (given === undefined) return undefined;
  const value = Number(given);
  if (given.trim() === "" || !Number.isFinite(value) || !valid(value))
    return fail("bad-request", `--${flag} ${given}: expected ${expected}`, "");
  return value;
}

export const count = (args: Arguments, flag: string): number | undefined =>
  number(args, flag, (n) => Number.isInteger(n) && n > 0, "a whole number above 0");

export function oneOf<T extends string>(
  args: Arguments,
  flag: string,
  allowed: readonly T[],
): T | undefined {
  const given = text(args, flag);
  if (given === undefined) return undefined;
  const found = allowed.find((a) => a === given);
  return found ?? fail("bad-request", `--${flag} ${given}: expected ${allowed.join(" or ")}`, "");
}

/** The model file, which every command names first. */
export function modelPath({ positionals }: Arguments): string {
  const [model, ...others] = positionals;
  if (model === undefined) return fail("bad-request", "name a model file", "");
  if (others.length > 0) return fail("bad-request", `unexpected argument ${others[0]}`, "");
  return model;
}

export function dataSpec(args: Arguments): DataSpec | undefined {
  const data = text(args, "data");
  if (data === undefined) return undefined;
  const labels = text(args, "labels");
  const limit = count(args, "limit");
  return {
    data,
    preprocess: preprocess(args),
    ...defined({ labels, limit }),
  };
}

export function preprocess(args: Arguments): Preprocess {
  const scale = number(args, "scale", () => true, "a number");
  const mean = numbers(args, "mean");
  const std = numbers(args, "std");
  const layout = oneOf(args, "layout", ["NCHW", "NHWC"]);
  const size = lengths(args, "size", [1, 2]);
  const crop = lengths(args, "crop", [2]);
  const resize = oneOf(args, "resize", ["bilinear", "nearest"]);
  const channels = oneOf(args, "channels", ["rgb", "bgr", "grey"]);
  return {
    ...defined({ scale, mean, std, layout }),
    ...(size === undefined ? {} : { size: size.length === 1 ? size[0]! : size }),
    ...defined({ resize, crop, channels }),
  };
}

function numbers(args: Arguments, flag: string): readonly number[] | undefined {
  const given = text(args, flag);
  if (given === undefined) return undefined;
  const values = given.split(",").map(Number);
  if (given.trim() === "" || values.some((v) => !Number.isFinite(v)))
    return fail("bad-request", `--${flag} ${given}: expected numbers separated by commas`, "");
  return values;
}

/** Lengths of pictures: so many of them. */
function lengths(
  args: Arguments,
  flag: string,
  counts: readonly number[],
): readonly number[] | undefined {
  const values = numbers(args, flag);
  if (values === undefined || (counts.includes(values.length) && values.every(isLength)))
    return values;
  const expected = counts.includes(1) ? "a length, or height and width" : "height and width";
  return fail(
    "bad-request",
    `--${flag} ${text(args, flag)}: expected ${expected} in pixels, ${LENGTHS}`,
    "",
  );
}
