import * as path from "node:path";
import type { DataChoice } from "./chooseData.ts";

/** The text of a new kaibo.json that stands beside `model`. */
export function kaiboJson(model: string, { data, pictures = false }: DataChoice = {}): string {
  // Pictures and images in IDX files are bytes, and models are nearly always trained on 0 to 1.
  const bytes = pictures || (data !== undefined && /idx3/.test(path.basename(data)));
  const entry = {
    model: path.basename(model),
    ...(data === undefined ? {} : { data: pathFrom(path.dirname(model), data) }),
    ...(bytes ? { input: { scale: 1 / 255 } } : {}),
  };
  return `${JSON.stringify({ models: [entry] }, undefined, 2)}\n`;
}

/** With forward slashes, so that the file is the same on every system. */
function pathFrom(folder: string, file: string): string {
  return path.relative(folder, file).split(path.sep).join("/");
}
