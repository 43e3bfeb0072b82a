/** The few lines that make an element: attributes, then children. Text is text, never markup. */
export function element<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Attributes = {},
  ...children: readonly (Node | string)[]
): HTMLElementTagNameMap[K] {
  const made = document.createElement(tag);
  setAttributes(made, attributes);
  made.append(...children);
  return made;
}

/** `true` is an attribute without a value; what is undefined or false is none. */
export type Attributes = Readonly<Record<string, string | number | boolean | undefined>>;

export function setAttributes(to: Element, attributes: Attributes): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === false) to.removeAttribute(name);
    else to.setAttribute(name, value === true ? "" : String(value));
  }
}
