/** random: by chance, each alike. It needs no memory and is even in the long run only. */
import type { Contender } from "../contender.js";

/** @param draw from 0 to 1, 1 not included */
export function random<C extends Contender>(contenders: readonly C[], draw: number): C | undefined {
  return contenders[Math.floor(draw * contenders.length)];
}
