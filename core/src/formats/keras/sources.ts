import { memberAt, type Object5 } from "./hdf5/hdf5.ts";
import { tensorIn } from "./tensors.ts";
import type { LayerPlace, StoredVariable, WeightSource } from "./weightSource.ts";

/**
 * Weights as Keras 3 saves them: by the classes of layers, "layers/conv2d_1/vars/0"; variables of a
 * sublayer stand in a group of its name, "layers/lstm/cell/vars/1".
 */
export function containerWeights(root: Object5): WeightSource {
  return {
    variables({ saved }, names) {
      const seen = new Map<string, number>();
      return names.map((name) => {
        const sublayer = name.includes("/") ? name.slice(0, name.lastIndexOf("/")) : "";
        const index = seen.get(sublayer) ?? 0;
        seen.set(sublayer, index + 1);
        const path = [...saved, sublayer, "vars", String(index)].filter((p) => p !== "").join("/");
        return storedAt(root, path);
      });
    },
  };
}

/**
 * Weights as Keras 2 saves them: a group for each layer of the outermost model, whose attribute
 * weight_names lists all its variables, those of nested models too.
 */
export async function legacyWeights(root: Object5, under: string): Promise<WeightSource> {
  const groups = new Map<string, LegacyGroup>();
  for (const [name, group] of memberAt(root, under)?.members ?? []) {
    const names = await listOf(group, "weight_names");
    groups.set(name, { path: `${under}/${name}`, names, taken: new Set() });
  }
  const known = new Map<string, readonly (StoredVariable | undefined)[]>();
  return {
    variables(place, names) {
      const key = place.path.join("/");
      const group = groups.get(place.path[0]);
      if (group === undefined) return names.map(() => undefined);
      const found =
        known.get(key) ??
        matched(group, place, names).map((name) =>
          name === undefined ? undefined : storedAt(root, `${group.path}/${name}`),
        );
      known.set(key, found);
      return found;
    },
  };
}

interface LegacyGroup {
  readonly path: string;
  readonly names: readonly string[];
  /** Variables of a nested model that belong to layers seen so far. */
  readonly taken: Set<string>;
}

/** By place where the group is the layer's own; in a nested model by the layer's name, else the next. */
function matched(
  { names, taken }: LegacyGroup,
  { path }: LayerPlace,
  wanted: readonly string[],
): readonly (string | undefined)[] {
  if (names.length === wanted.length) return names;
  const layer = path.at(-1) ?? "";
  return wanted.map((variable) => {
    const last = variable.split("/").at(-1) ?? variable;
    const candidates = names.filter((n) => !taken.has(n) && partsOf(n).at(-1) === last);
    const found = candidates.find((n) => partsOf(n).slice(0, -1).includes(layer)) ?? candidates[0];
    if (found !== undefined) taken.add(found);
    return found;
  });
}

const partsOf = (name: string): readonly string[] => name.replace(/:\d+$/, "").split("/");

/** A list of texts; long ones are cut into several attributes: weight_names0, weight_names1, … */
async function listOf({ attributes }: Object5, name: string): Promise<readonly string[]> {
  const whole = await attributes.get(name)?.texts();
  if (whole !== undefined) return whole;
  const all: string[] = [];
  for (let i = 0; attributes.has(`${name}${i}`); i++)
    all.push(...((await attributes.get(`${name}${i}`)?.texts()) ?? []));
  return all;
}

function storedAt(root: Object5, path: string): StoredVariable | undefined {
  const object = memberAt(root, path);
  const tensor = object && tensorIn(object);
  return tensor === undefined ? undefined : { name: path, tensor };
}
