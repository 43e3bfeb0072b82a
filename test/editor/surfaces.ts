/** What stands on the page beside the text: menus, hovers, notices. */
import * as vscode from "vscode";
import { evaluate, press, texts, until } from "./workbench.ts";

/** Opens the quick-fix menu at the caret and gives its entries; a listing that is read anew closes it. */
export async function quickFixes(): Promise<readonly string[]> {
  return until(
    "quick fixes are offered",
    async () => {
      await press("Control+.");
      return until("the menu has the keyboard", menu, 5_000);
    },
    20_000,
  );
}

async function menu(): Promise<readonly string[] | undefined> {
  const focused = await texts(".action-widget .monaco-list-row.focused");
  if (focused.length === 0) return undefined;
  const rows = await texts(".action-widget .monaco-list-row.action");
  return rows.map((row) => row.trim());
}

export interface Picture {
  readonly source: string;
  /** 0 until it is loaded, and when it cannot be. */
  readonly width: number;
}

export async function hoverPictures(): Promise<readonly Picture[]> {
  return (await evaluate(`[...document.querySelectorAll(".monaco-hover:not(.hidden) img")]
    .map(({ src, naturalWidth }) => ({ source: src.slice(0, 40), width: naturalWidth }))`)) as Picture[];
}

/** VS Code shows no toasts to a test; what they would say stands in its list of notifications. */
export async function showNotices(): Promise<void> {
  await vscode.commands.executeCommand("notifications.showList");
}

const center = ".notifications-center .notification-list-item";

export async function notices(): Promise<readonly string[]> {
  return texts(`${center} .notification-list-item-message`);
}

/** Goes to a button of the notices by the keyboard and presses it. */
export async function pressNoticeButton(label: string): Promise<void> {
  await until(`the keyboard is on "${label}"`, async () => {
    if ((await evaluate("document.activeElement.innerText")) === label) return true;
    await press("Tab");
    return undefined;
  });
  await press("Enter");
}
