import * as vscode from "vscode";
import { type Listing, listingRequest, type PruneReport, saveRequest } from "#protocol/requests.ts";
import { errorText } from "../errorText.ts";
import { modelOfListing } from "../listingUri.ts";
import type { Server } from "../server.ts";
import { requireTrust } from "../trust.ts";
import type { ListingVersions, Stamp } from "./listingVersions.ts";

export interface Pruned {
  readonly uri: vscode.Uri;
  readonly report: PruneReport;
  /** The listing's text before the edit. */
  readonly before: string;
  /** The text that was saved: unit lines are gone, the numbers are as before. */
  readonly after: string;
}

export interface ListingFileSystem extends vscode.FileSystemProvider, vscode.Disposable {
  /** Editors without unsaved edits read the listing again. */
  changed(uri: vscode.Uri): Promise<void>;
}

/** Files of the scheme `kaibo`: each is a model's listing, and saving it prunes the model. */
export function listingFileSystem(
  server: Server,
  versions: ListingVersions,
  onPruned: (pruned: Pruned) => void,
): ListingFileSystem {
  const changes = new vscode.EventEmitter<vscode.FileChangeEvent[]>();

  async function listing(uri: vscode.Uri): Promise<Listing> {
    try {
      return await server.request(listingRequest, { model: modelOf(uri) });
    } catch (error) {
      throw await readError(uri, error);
    }
  }

  return {
    onDidChangeFile: changes.event,
    dispose: () => changes.dispose(),
    // The server watches the models and says when a listing has changed.
    watch: () => new vscode.Disposable(() => undefined),

    async changed(uri) {
      const type = (await modelIsMissing(uri))
        ? vscode.FileChangeType.Deleted
        : vscode.FileChangeType.Changed;
      changes.fire([{ type, uri }]);
    },

    async stat(uri) {
      return asFile(versions.duringSave(uri) ?? versions.stamp(uri, await listing(uri)));
    },

    async readFile(uri) {
      const read = await listing(uri);
      versions.read(uri, read);
      return Buffer.from(read.text);
    },

    async writeFile(uri, content) {
      requireTrust(plainly(vscode.FileSystemError.NoPermissions));
      const model = modelOf(uri);
      // An editor restored from an earlier session holds no revision; VS Code has compared the times.
      const before = versions.held(uri) ?? (await listing(uri));
      const text = Buffer.from(content).toString();
      const save = { model, text, revision: before.revision };
      server.heldBack.add(uri.toString());
      const result = await server.request(saveRequest, save).catch((error: unknown) => {
        server.heldBack.delete(uri.toString());
        throw plainly(vscode.FileSystemError.Unavailable)(errorText(error));
      });
      versions.saved(uri, content.byteLength, result.listing);
      if (result.pruned === undefined) server.heldBack.delete(uri.toString());
      else onPruned({ uri, report: result.pruned, before: before.text, after: text });
      if (!versions.duringSave(uri)) changes.fire([{ type: vscode.FileChangeType.Changed, uri }]);
    },

    readDirectory: refuse,
    createDirectory: refuse,
    delete: refuse,
    rename: refuse,
  };
}

function modelOf(uri: vscode.Uri): string {
  const model = modelOfListing(uri);
  if (model === undefined) throw vscode.FileSystemError.FileNotFound(uri);
  return model;
}

async function readError(uri: vscode.Uri, error: unknown): Promise<Error> {
  if (error instanceof vscode.FileSystemError) return error;
  return (await modelIsMissing(uri))
    ? vscode.FileSystemError.FileNotFound(uri)
    : plainly(vscode.FileSystemError.Unavailable)(errorText(error));
}

async function modelIsMissing(uri: vscode.Uri): Promise<boolean> {
  try {
    await vscode.workspace.fs.stat(vscode.Uri.file(modelOf(uri)));
    return false;
  } catch (error) {
    return error instanceof vscode.FileSystemError && error.code === "FileNotFound";
  }
}

function asFile(stamp: Stamp): vscode.FileStat {
  return { type: vscode.FileType.File, ctime: 0, ...stamp };
}

function refuse(uri: vscode.Uri): never {
  throw plainly(vscode.FileSystemError.NoPermissions)(
    vscode.l10n.t("{0} is a view of a model; only its text can be edited", uri.path),
  );
}

/** VS Code puts an error's name before its message; "Unavailable (FileSystemError)" helps nobody. */
function plainly(make: (message: string) => vscode.FileSystemError) {
  return (message: string) => Object.assign(make(message), { name: "" });
}
