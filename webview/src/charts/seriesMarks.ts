/** How series are told apart: by hue (Okabe and Ito's, for every kind of sight), by marker and by dashes. */
import { px } from "./svg.ts";

export interface Mark {
  readonly colour: string;
  readonly shape: "circle" | "square" | "triangle";
  /** Dashed lines and hollow markers. */
  readonly dashed: boolean;
}

export function line({ colour, dashed }: Mark, path: string): string {
  const dashes = dashed ? " stroke-dasharray='6 3'" : "";
  return `<path d='${path}' fill='none' stroke='${colour}' stroke-width='2' stroke-linejoin='round'${dashes}/>`;
}

/** Markers of one series at all its places, as one path. */
export function markers(
  { colour, shape, dashed }: Mark,
  places: readonly (readonly [x: number, y: number])[],
  paper: string,
): string {
  const d = places.map(([x, y]) => outline(shape, x, y)).join("");
  const fill = dashed ? paper : colour;
  return `<path d='${d}' fill='${fill}' stroke='${colour}' stroke-width='1.5'/>`;
}

function outline(shape: Mark["shape"], x: number, y: number): string {
  switch (shape) {
    case "circle":
      return `M${px(x - 3)} ${px(y)}a3 3 0 1 0 6 0a3 3 0 1 0 -6 0z`;
    case "square":
      return `M${px(x - 2.6)} ${px(y - 2.6)}h5.2v5.2h-5.2z`;
    case "triangle":
      return `M${px(x)} ${px(y - 3.6)}l3.6 6h-7.2z`;
  }
}
