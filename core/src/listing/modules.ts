/** A module of a model, as the paths of its layers' names tell: "layer1.0" of "layer1.0.conv1". */
export interface ModuleSpan {
  readonly path: string;
  /** Layers [first, first + count), by index. */
  readonly first: number;
  readonly count: number;
}

/**
 * The modules that hold two neighbouring layers or more, outer ones before inner ones. A module whose
 * only child holds all its layers too is left out: it says nothing more.
 */
export function modulesOf(layers: readonly string[]): readonly ModuleSpan[] {
  return within(layers, 0, layers.length, 0).spans;
}

function within(
  layers: readonly string[],
  from: number,
  to: number,
  depth: number,
): { spans: ModuleSpan[]; whole: boolean } {
  const spans: ModuleSpan[] = [];
  let whole = false;
  for (let first = from; first < to; ) {
    const path = prefix(layers[first], depth + 1);
    let end = first + 1;
    while (path !== undefined && end < to && isIn(layers[end], path)) end++;
    if (path !== undefined && end - first > 1) {
      const inner = within(layers, first, end, depth + 1);
      if (!inner.whole) spans.push({ path, first, count: end - first });
      spans.push(...inner.spans);
      whole ||= first === from && end === to;
    }
    first = end;
  }
  return { spans, whole };
}

const SEPARATORS = /[./]/g;

/** The first parts of a path; undefined where it has no further part behind them. */
function prefix(name: string, parts: number): string | undefined {
  const ends = [...name.matchAll(SEPARATORS)].map(({ index }) => index);
  return parts <= ends.length ? name.slice(0, ends[parts - 1]) : undefined;
}

export const isIn = (layer: string, path: string): boolean =>
  layer.startsWith(path) && /^[./]/.test(layer.slice(path.length));
