import type { Dropdown, Option } from "@vscode/webview-ui-toolkit";
import { element } from "./element.ts";
import { registerToolkit } from "./toolkit.ts";

export interface Choice {
  readonly value: string;
  readonly text: string;
}

export interface LabelledDropdown {
  /** The label above the dropdown. */
  readonly root: HTMLElement;
  readonly dropdown: Dropdown;
}

export function dropdown(
  label: string,
  choices: readonly Choice[],
  value: string,
  changed: (value: string) => void,
): LabelledDropdown {
  registerToolkit();
  const made = document.createElement("vscode-dropdown") as Dropdown;
  made.setAttribute("aria-label", label);
  for (const choice of choices) {
    const option = document.createElement("vscode-option") as Option;
    option.value = choice.value;
    option.textContent = choice.text;
    option.toggleAttribute("selected", choice.value === value);
    made.append(option);
  }
  made.addEventListener("change", () => changed(made.value));
  const name = element("span", { class: "label", "aria-hidden": "true" }, label);
  return { root: element("div", { class: "field" }, name, made), dropdown: made };
}
