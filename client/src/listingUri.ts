/** A model's path and its listing's address: `/a/model.onnx` is listed at `kaibo:/a/model.onnx.nnl`. */
import * as vscode from "vscode";
import { LISTING_EXTENSION, LISTING_SCHEME } from "#protocol/requests.ts";

export function listingUri(model: string): vscode.Uri {
  const file = vscode.Uri.file(model);
  return file.with({ scheme: LISTING_SCHEME, path: file.path + LISTING_EXTENSION });
}

/** Undefined when the address is not a listing's. */
export function modelOfListing(uri: vscode.Uri): string | undefined {
  if (uri.scheme !== LISTING_SCHEME || !uri.path.endsWith(LISTING_EXTENSION)) return undefined;
  const path = uri.path.slice(0, -LISTING_EXTENSION.length);
  return uri.with({ scheme: "file", path }).fsPath;
}
