import type { Tensor } from "../ir/tensor.ts";
import { showType } from "../ir/tensor.ts";
import type { Attr, Attrs } from "../ops/operator.ts";
import { fingerprint } from "./hash.ts";

/** Attributes as texts, without those that say what is so anyway. */
export function attributes(type: string, attrs: Attrs): ReadonlyMap<string, string> {
  return new Map(
    Object.entries(attrs).flatMap(([name, value]): [string, string][] =>
      value === undefined || isLayout(type, name) || isDefault(type, name, value)
        ? []
        : [[name, show(value)]],
    ),
  );
}

/** How weights are laid out, or what their shapes tell. */
const isLayout = (type: string, name: string): boolean =>
  /^(trans[AB]|hidden_size)$/.test(name) || (name === "kernel_shape" && /^Conv/.test(type));

/** Of ONNX's convolutions and poolings; absent and the default are the same. */
const ONES: ReadonlySet<string> = new Set(["strides", "dilations", "group", "stash_type"]);
const ZEROS: ReadonlySet<string> = new Set([
  "pads",
  "output_padding",
  "ceil_mode",
  "storage_order",
  "count_include_pad",
  "allowzero",
  "noop_with_empty_axes",
  "input_forget",
]);

function isDefault(type: string, name: string, value: Attr): boolean {
  const all = (n: number) => (Array.isArray(value) ? value : [value]).every((v) => v === n);
  if (ONES.has(name) || (type === "Gemm" && /^(alpha|beta)$/.test(name))) return all(1);
  return ZEROS.has(name) ? all(0) : name === "auto_pad" && value === "NOTSET";
}

function show(value: Attr): string {
  if (typeof value === "number" || typeof value === "string") return String(value);
  return "dtype" in value ? showTensor(value) : value.join(", ");
}

const FEW = 8;

/** The numbers of a small tensor; of a large one its type and a fingerprint. */
export function showTensor(tensor: Tensor): string {
  const { data } = tensor;
  return data.length <= FEW
    ? Array.from(data).join(", ")
    : `${showType(tensor)} ${fingerprint(data)}`;
}
