import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseListing } from "#core/listing/parse.ts";
import { LISTING_EXTENSION, LISTING_SCHEME } from "#protocol/requests.ts";

/**
 * The model that a listing document is about: `kaibo:/models/a.onnx.nnl` by its path; a listing that was
 * saved as a file by the name it gives, beside it.
 */
export function modelOf(uri: string, text: string): string | undefined {
  const url = new URL(uri);
  if (url.protocol === `${LISTING_SCHEME}:`) {
    const path = fileURLToPath(`file://${url.pathname}`);
    return path.endsWith(LISTING_EXTENSION) ? path.slice(0, -LISTING_EXTENSION.length) : undefined;
  }
  if (url.protocol !== "file:") return undefined;
  const name = parseListing(text).model?.name;
  return name === undefined ? undefined : resolve(dirname(fileURLToPath(url)), name);
}
