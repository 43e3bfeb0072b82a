import { basename, dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseListing } from "#core/listing/parse.ts";
import { LISTING_EXTENSION, LISTING_SCHEME } from "#protocol/requests.ts";

/**
 * The model that a listing document is about: `kaibo:/models/a.onnx.nnl` by its path; a listing that was
 * saved as a file by the name it gives, beside it and nowhere else.
 */
export function modelOf(uri: string, text: string): string | undefined {
  const url = URL.canParse(uri) ? new URL(uri) : undefined;
  if (url?.protocol === `${LISTING_SCHEME}:`) {
    const path = pathOf(`file://${url.pathname}`);
    return path?.endsWith(LISTING_EXTENSION) ? path.slice(0, -LISTING_EXTENSION.length) : undefined;
  }
  if (url?.protocol !== "file:") return undefined;
  const file = pathOf(uri);
  const name = file?.endsWith(LISTING_EXTENSION) ? parseListing(text).model?.name : undefined;
  return file === undefined || !name || name !== basename(name)
    ? undefined
    : join(dirname(file), name);
}

/** The path of a `file:` URI; undefined when it is none. */
export function pathOf(uri: string): string | undefined {
  try {
    return fileURLToPath(uri);
  } catch {
    return undefined;
  }
}
