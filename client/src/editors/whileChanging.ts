import * as vscode from "vscode";
import { listingUri } from "../listingUri.ts";
import type { Server } from "../server.ts";

/**
 * Runs what makes a model another one. Until its editor shows the new listing, the server would find fault
 * with every line of the old text: those diagnostics are held back.
 * @param changes whether the model is another one after that
 */
export async function whileChanging<T>(
  { heldBack }: Server,
  model: string,
  work: () => PromiseLike<T>,
  changes: (result: T) => boolean = () => true,
): Promise<T> {
  const uri = listingUri(model).toString();
  const isShown = vscode.workspace.textDocuments.some((d) => d.uri.toString() === uri);
  if (isShown) heldBack.add(uri);
  try {
    const result = await work();
    if (!changes(result)) heldBack.delete(uri);
    return result;
  } catch (error) {
    heldBack.delete(uri);
    throw error;
  }
}
