import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import { pathToFileURL } from "node:url";
import { LISTING_EXTENSION, LISTING_SCHEME } from "#protocol/requests.ts";
import { manyDigits } from "./manyDigits.ts";
import { pytorchFile } from "./pytorch.ts";
import { type TemporaryFolder, temporaryFolder } from "./temporary.ts";

/** A temporary folder with a copy of a model, its data and kaibo.json, as a user has them. */
export interface Workspace extends TemporaryFolder {
  readonly model: string;
  /** The `kaibo:` address of the model's listing. */
  readonly uri: string;
  /** For the server's results and originals; not inside the folder. */
  readonly storage: string;
  /** Writes kaibo.json; the fields of its only model, besides `model`. */
  config(fields: Readonly<Record<string, unknown>>): void;
}

export interface WorkspaceOptions {
  /** Path inside the folder. */
  readonly name?: string;
  /** The folder of the model, inside the temporary one. */
  readonly kaiboJson?: boolean;
  /** So many copies of the 200 digits: work for seconds. */
  readonly times?: number;
}

/** The CNN of the fixtures with 200 digits: 8, 16, 32 and 10 units, 13 of fc1 are dead. */
export function digitsWorkspace(options: WorkspaceOptions = {}): Workspace {
  const { name = "model.onnx", kaiboJson = true, times } = options;
  const folder = temporaryFolder();
  const model = folder.file(`work/${name}`);
  mkdirSync(dirname(model), { recursive: true });
  copyFileSync(pytorchFile("mnist-cnn.onnx"), model);
  const here = { ...folder, file: (path: string) => folder.file(`work/${path}`) };
  for (const file of ["mnist200-images-idx3-ubyte.gz", "mnist200-labels-idx1-ubyte.gz"])
    copyFileSync(pytorchFile(file), here.file(file));
  if (times !== undefined) manyDigits(here, times);
  const data = times === undefined ? "mnist200-images-idx3-ubyte.gz" : "many-images-idx3-ubyte";
  const workspace: Workspace = {
    ...here,
    model,
    uri: listingUri(model),
    storage: folder.file("storage"),
    config(fields) {
      const models = [{ model: name, data, input: { scale: 1 / 255 }, ...fields }];
      writeFileSync(here.file("kaibo.json"), JSON.stringify({ models }));
    },
  };
  if (kaiboJson) workspace.config({});
  return workspace;
}

/** As VS Code writes it: everything that has a meaning in addresses is escaped. */
export const listingUri = (model: string): string =>
  pathToFileURL(model).href.replace(/^file:\/\//, `${LISTING_SCHEME}:`) + LISTING_EXTENSION;

export const fileUri = (path: string): string => pathToFileURL(path).href;
