/** About how wide a text of 11 pixels is: charts are drawn where no font can be measured. */
export function textWidth(text: string): number {
  let width = 0;
  for (const character of text)
    width += character > "\u2e80" ? 11.5 : /[A-Zmw%@]/.test(character) ? 8.5 : 6.5;
  return width;
}
