import type { ByteSource } from "#core/data/dataset.ts";
import { readDirectory } from "#core/data/zipDirectory.ts";
import { type Problem, ProblemError, problem } from "#core/problem.ts";

/**
 * Says how to export what PyTorch saved; undefined for other files. Recognised by content: a zip archive
 * with a data.pkl (torch.save, TorchScript), or a pickle (older PyTorch, other Python objects). Never
 * unpickled: that would run whatever code the file holds.
 */
export async function pickleProblem(
  source: ByteSource,
  head: Uint8Array,
  path: string,
): Promise<Problem | undefined> {
  const kind = isZip(head) ? await kindOfZip(source) : isPickle(head) ? "saved" : undefined;
  if (kind === undefined) return undefined;
  const message = `it is a Python pickle (PyTorch), which can run any code when it is loaded, so it is not read; ${toExport(source.name, kind)}`;
  return problem("unreadable-model", message, path);
}

/** Whether a name promises what PyTorch saves. */
export const isPickleName = (name: string): boolean => /\.(pt|pth|ckpt)$/i.test(name);

/** The lines of Python that make an ONNX file. */
export function toExport(file: string, kind: "saved" | "script" = "saved"): string {
  const name = JSON.stringify(file);
  const load =
    kind === "script"
      ? `model = torch.jit.load(${name})`
      : `model = MyModel(); model.load_state_dict(torch.load(${name}, weights_only=True))`;
  const target = JSON.stringify(`${file.replace(/\.[^.]+$/, "")}.onnx`);
  const lines = ["import torch", load, `torch.onnx.export(model.eval(), (example,), ${target})`];
  return `export the model to ONNX:\n${lines.map((l) => `  \`${l}\``).join("\n")}`;
}

const isZip = ([a, b, c, d]: Uint8Array): boolean =>
  a === 0x50 && b === 0x4b && c === 0x03 && d === 0x04;

/** PROTO opcode of pickle 2 to 5, then a frame, or what PyTorch and plain objects begin with. */
const isPickle = ([proto, version = 0, next = 0]: Uint8Array): boolean =>
  proto === 0x80 && version >= 2 && version <= 5 && PICKLE_STARTS.has(next);

/** FRAME, LONG1 (PyTorch's magic number), EMPTY_DICT, EMPTY_LIST, EMPTY_TUPLE, GLOBAL, MARK, short strings. */
const PICKLE_STARTS = new Set([0x95, 0x8a, 0x7d, 0x5d, 0x29, 0x63, 0x28, 0x58, 0x8c]);

async function kindOfZip(source: ByteSource): Promise<"saved" | "script" | undefined> {
  try {
    const names = (await readDirectory(source)).map((entry) => entry.name);
    if (!names.some((name) => /(^|\/)data\.pkl$/.test(name))) return undefined;
    return names.some((name) => /(^|\/)constants\.pkl$/.test(name)) ? "script" : "saved";
  } catch (error) {
    // Whoever reads the archive says what is wrong with it.
    if (error instanceof ProblemError) return undefined;
    throw error;
  }
}
