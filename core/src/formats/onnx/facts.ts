import { fail } from "../../problem.ts";
import type { Facts } from "../model.ts";
import { NEWEST_OPSET, OLDEST_OPSET } from "./operators.ts";
import type { GraphProto, ModelProto } from "./schema.ts";
import type { Stores } from "./stores.ts";

const isOwn = (domain: string): boolean => domain === "" || domain === "ai.onnx";

/** The opset of ONNX's own operators. Throws ProblemError where it is none that Kaibo knows. */
export function mainOpset({ opsets }: ModelProto, file: string): number {
  const refuse = (why: string): never => fail("unreadable-model", why, file, "opset_import");
  const [own, ...others] = opsets.filter((o) => isOwn(o.domain));
  if (own === undefined)
    return refuse("the file does not say which opset it uses: it is damaged or not ONNX");
  if (others.some((o) => o.version !== own.version)) refuse("the file names two opsets of ONNX");
  const { version } = own;
  if (!(version >= OLDEST_OPSET))
    refuse(
      `opset ${version} is too old: convert the model to opset ${OLDEST_OPSET} or later, or export it again`,
    );
  if (version > NEWEST_OPSET)
    refuse(
      `opset ${version} is newer than ${NEWEST_OPSET}, the newest that is known here: export with an older opset`,
    );
  return version;
}

export function factsOf(
  proto: ModelProto & { graph: GraphProto },
  opset: number,
  stores: Stores,
): Facts {
  const elements = [...stores.values()].map((s) => s?.stored.element.name ?? "");
  return {
    dialect: `onnx, opset ${opset}`,
    producer: [proto.producerName, proto.producerVersion].filter(Boolean).join(" "),
    docString: proto.docString,
    metadata: new Map(proto.metadata.map((e) => [e.key, e.value])),
    widened: ["float16", "bfloat16"].filter((name) => elements.includes(name)),
    nodes: proto.graph.nodes.length,
  };
}
