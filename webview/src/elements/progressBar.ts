import { element } from "./element.ts";

export interface ProgressBar {
  readonly root: HTMLElement;
  /** Without a share the bar only says that something goes on. */
  set(share: number | undefined, detail: string): void;
}

export function progressBar(label: string): ProgressBar {
  const bar = element("progress", { max: 1, "aria-label": label });
  const text = element("span", { class: "detail" });
  return {
    root: element("div", { class: "progress" }, bar, text),
    set(share, detail) {
      if (share === undefined) bar.removeAttribute("value");
      else bar.value = share;
      const percent = share === undefined ? label : `${Math.floor(share * 100)} %`;
      text.textContent = detail === "" ? percent : `${percent} · ${detail}`;
    },
  };
}
