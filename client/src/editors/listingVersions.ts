/**
 * Which version of a listing an editor holds. VS Code compares time and size: they must change when
 * the text does, or an editor would not reload, and stay when only results arrived under somebody's
 * unsaved edits, or saving would end in a conflict. That the model file itself is the one the text
 * describes is what the revision is for.
 */
import * as vscode from "vscode";
import type { Listing } from "#protocol/requests.ts";

export interface Stamp {
  readonly mtime: number;
  readonly size: number;
}

interface Held {
  readonly listing: Listing;
  readonly stamp: Stamp;
}

export type ListingVersions = ReturnType<typeof listingVersions>;

export function listingVersions() {
  const held = new Map<string, Held>();
  const latest = new Map<string, Held>();
  const saving = new Map<string, Stamp>();

  function stampOf(key: string, listing: Listing): Stamp {
    const last = latest.get(key);
    if (last?.listing.text === listing.text) return last.stamp;
    const mtime = Math.max(listing.mtime, (last?.stamp.mtime ?? 0) + 1);
    const stamp = { mtime, size: Buffer.byteLength(listing.text) };
    latest.set(key, { listing, stamp });
    return stamp;
  }

  return {
    /** While a save is under way, the editor must find what it wrote. */
    duringSave: (uri: vscode.Uri): Stamp | undefined => saving.get(uri.toString()),

    stamp(uri: vscode.Uri, listing: Listing): Stamp {
      const key = uri.toString();
      const stamp = stampOf(key, listing);
      const editors = held.get(key);
      const same = editors?.listing.revision === listing.revision;
      return editors !== undefined && same && isDirty(uri) ? editors.stamp : stamp;
    },

    read(uri: vscode.Uri, listing: Listing): void {
      const key = uri.toString();
      held.set(key, { listing, stamp: stampOf(key, listing) });
    },

    /** What the editor was given last; undefined when it brought its text from an earlier session. */
    held: (uri: vscode.Uri): Listing | undefined => held.get(uri.toString())?.listing,

    /** `size` bytes were saved; the listing of the model is now another text. */
    saved(uri: vscode.Uri, size: number, listing: Listing): void {
      const key = uri.toString();
      const mtime = Math.max(listing.mtime, (latest.get(key)?.stamp.mtime ?? 0) + 1);
      const stamp = { mtime, size };
      held.set(key, { listing, stamp });
      latest.set(key, { listing: { ...listing, text: "" }, stamp });
      if (isDirty(uri)) saving.set(key, stamp);
    },

    /** Whether a save had been under way. */
    saveEnded: (uri: vscode.Uri): boolean => saving.delete(uri.toString()),

    forget(uri: vscode.Uri): void {
      for (const map of [held, latest, saving]) map.delete(uri.toString());
    },
  };
}

function isDirty(uri: vscode.Uri): boolean {
  const address = uri.toString();
  return vscode.workspace.textDocuments.some((it) => it.isDirty && it.uri.toString() === address);
}
