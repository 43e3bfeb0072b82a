import type { RankedGroup, UnitRanking } from "#protocol/views/ranking.ts";
import { defined } from "../../defined.ts";
import { Room } from "./room.ts";

/** Groups to do without next. */
export interface Narrower {
  /** The layer that loses them; absent where they are of all layers together. */
  readonly layer?: string;
  /** Those with the lowest scores. */
  readonly groups: readonly RankedGroup[];
  /** Groups that the layer, or all layers, are left with. */
  readonly left: number;
}

/** One layer, or all together, and how much is too much. */
interface Part {
  readonly layer?: string;
  /** The largest number of groups left that was not enough. */
  tooFew: number;
  /** Groups between enough and too few from which on it is known well enough. */
  readonly fine: number;
}

/** All layers together are narrowed roughly: each by itself follows. */
const ROUGH = 16;

/**
 * Looks for the smallest numbers of groups that are enough, by bisection: of all layers together first, in
 * one ranking, and then of the layers in turn. Whoever asks `next` tries it, and either ranks what is left
 * anew or says that it was too few. What was too few stays so, whatever else goes later.
 */
export class Narrowing {
  readonly #open: Part[];

  /** @param ranking of the model as it is, all layers comparable */
  constructor({ groups }: UnitRanking) {
    const layers = [...new Set(groups.map(nameOf))];
    const fine = Math.ceil(groups.length / ROUGH);
    this.#open = [
      ...(layers.length > 1 ? [{ tooFew: 0, fine }] : []),
      ...layers.map((layer): Part => ({ layer, tooFew: 0, fine: 1 })),
    ];
  }

  /**
   * Undefined when every layer is as narrow as it can be.
   * @param ranking of the model as it is now
   */
  next({ groups, apart }: UnitRanking): Narrower | undefined {
    for (let part = this.#open[0]; part !== undefined; part = this.#open[0]) {
      const { layer } = part;
      const own = layer === undefined ? groups : groups.filter((g) => nameOf(g) === layer);
      const room = new Room(groups, apart);
      const going = own.filter((g) => room.take(g));
      const tooFew = Math.max(part.tooFew, own.length - going.length - 1);
      if (own.length - tooFew > part.fine) {
        const left = Math.floor((own.length + tooFew) / 2);
        const lost = going.slice(0, own.length - left);
        return { ...defined({ layer }), groups: lost, left };
      }
      this.#open.shift();
    }
    return undefined;
  }

  /** What `next` gave was tried: whether what is left is enough. */
  tried({ layer, left }: Narrower, enough: boolean): void {
    const part = this.#open.find((p) => p.layer === layer);
    if (part === undefined) throw new Error(`${layer} is closed`);
    if (!enough) part.tooFew = left;
    // Layers take turns, so that the first does not use up what all may lose.
    if (layer !== undefined) this.#open.push(...this.#open.splice(this.#open.indexOf(part), 1));
  }
}

const nameOf = ({ members: [first] }: RankedGroup): string => first.layer;
