import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import * as tf from "@tensorflow/tfjs-core";

/** What TensorFlow.js computes with. */
export interface Backend {
  /** "tensorflow" (native), "wasm" or "cpu" (JavaScript). */
  readonly name: string;
  /** Why a faster one is not used, where that is not simply that it is not installed. */
  readonly note?: string;
}

const NATIVE = "@tensorflow/tfjs-node";

/**
 * The fastest backend there is: native where `@tensorflow/tfjs-node` is installed (or
 * `KAIBO_TFJS_NODE` names its folder), then WebAssembly, then JavaScript. `KAIBO_TFJS_BACKEND` picks one.
 */
export function chooseBackend(): Promise<Backend> {
  chosen ??= choose();
  return chosen;
}

let chosen: Promise<Backend> | undefined;

async function choose(): Promise<Backend> {
  // Checks of every operation's results, and advice about other packages, are off.
  tf.enableProdMode();
  const asked = process.env.KAIBO_TFJS_BACKEND;
  const names = Object.keys(loaders);
  if (asked !== undefined && !names.includes(asked))
    throw new Error(`KAIBO_TFJS_BACKEND is ${asked}: expected one of ${names.join(", ")}`);
  const failures: string[] = [];
  for (const [name, load] of Object.entries(loaders)) {
    if (asked !== undefined && asked !== name) continue;
    const failure = await load().catch((error: Error) => error.message);
    if (failure === undefined && (await started(name)))
      return failures.length === 0 ? { name } : { name, note: failures.join("; ") };
    if (failure !== "") failures.push(`${name}: ${failure ?? "it does not start"}`);
  }
  const none = asked === undefined ? "no backend" : `no backend ${asked}`;
  throw new Error(`TensorFlow.js has ${none} here: ${failures.join("; ") || "none is installed"}`);
}

/** The start of WebAssembly adds listeners that print its whole source when a process fails. */
async function started(name: string): Promise<boolean> {
  const uncaught = process.listeners("uncaughtException");
  const unhandled = process.listeners("unhandledRejection");
  const ready = (await tf.setBackend(name)) && tf.getBackend() === name;
  for (const listener of process.listeners("uncaughtException"))
    if (!uncaught.includes(listener)) process.off("uncaughtException", listener);
  for (const listener of process.listeners("unhandledRejection"))
    if (!unhandled.includes(listener)) process.off("unhandledRejection", listener);
  return ready;
}

/** Each gives undefined when it is there, "" when it is not installed, or what is wrong. */
const loaders: Readonly<Record<string, () => Promise<string | undefined>>> = {
  tensorflow: async () => {
    // One thread each, as for every engine: results depend on nothing but the data.
    process.env.TF_NUM_INTRAOP_THREADS ??= "1";
    process.env.TF_NUM_INTEROP_THREADS ??= "1";
    process.env.TF_CPP_MIN_LOG_LEVEL ??= "2";
    const folder = process.env.KAIBO_TFJS_NODE;
    try {
      await import(folder === undefined ? NATIVE : mainOf(folder));
      return undefined;
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      const absent = code === "ERR_MODULE_NOT_FOUND" && message.includes(NATIVE);
      return absent && folder === undefined ? "" : message.split("\n")[0]!;
    }
  },
  wasm: async () => {
    await import("@tensorflow/tfjs-backend-wasm");
    return undefined;
  },
  cpu: async () => {
    await import("@tensorflow/tfjs-backend-cpu");
    return undefined;
  },
};

const mainOf = (folder: string): string =>
  pathToFileURL(createRequire(join(folder, "package.json")).resolve(folder)).href;
