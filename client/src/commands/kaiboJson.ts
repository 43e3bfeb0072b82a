import * as path from "node:path";

/** The text of a new kaibo.json that stands beside `model`. */
export function kaiboJson(model: string, data?: string): string {
  const entry = {
    model: path.basename(model),
    ...(data === undefined ? {} : { data: pathFrom(path.dirname(model), data) }),
    // Images in IDX files are bytes, and models are nearly always trained on 0 to 1.
    ...(data !== undefined && /idx3/.test(path.basename(data))
      ? { input: { scale: 1 / 255 } }
      : {}),
  };
  return `${JSON.stringify({ models: [entry] }, undefined, 2)}\n`;
}

/** With forward slashes, so that the file is the same on every system. */
function pathFrom(folder: string, file: string): string {
  return path.relative(folder, file).split(path.sep).join("/");
}
