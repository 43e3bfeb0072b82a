import type { NodeProto } from "./schema.ts";

const SCOPES = "pkg.torch.onnx.name_scopes";

/**
 * PyTorch's exporter notes where in the module tree a node comes from: "['', 'layer1', 'layer1.0',
 * 'layer1.0.conv1', 'conv2d']", the last being the operation's own name. Given as the older exporter
 * names its nodes: "/layer1.0.conv1/Conv".
 */
export function scopedName({ metadata, type }: NodeProto): string | undefined {
  const noted = metadata.find((e) => e.key === SCOPES)?.value;
  if (noted === undefined) return undefined;
  const scopes = Array.from(noted.matchAll(/'([^']*)'/g), (match) => match[1]);
  const path = scopes.slice(0, -1).findLast((s) => s !== "");
  // A path that starts with "_" is the exporter's own.
  return path === undefined || path.startsWith("_") ? undefined : `/${path}/${type}`;
}
