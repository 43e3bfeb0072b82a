/** Pictures and tables as files. */
import type { TableData } from "../elements/dataTable.ts";

/** RFC 4180. */
export function csv({ columns, rows }: TableData): string {
  return [columns, ...rows].map((row) => `${row.map(field).join(",")}\r\n`).join("");
}

const field = (value: string | number): string => {
  const text = String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** The picture as a PNG in base64; `scale` pixels for each of the picture's own. */
export async function png(svg: string, scale: number): Promise<string> {
  const image = new Image();
  image.src = `data:image/svg+xml,${encodeURIComponent(svg)}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.naturalWidth * scale;
  canvas.height = image.naturalHeight * scale;
  const context = canvas.getContext("2d");
  if (context === null) throw new Error("this page cannot draw");
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  const address = canvas.toDataURL("image/png");
  return address.slice(address.indexOf(",") + 1);
}
