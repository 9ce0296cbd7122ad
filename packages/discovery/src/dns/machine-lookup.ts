/**
 * machineLookup: the addresses of a name as this machine finds them for every program: hosts file, search list, DNS.
 *
 * A look-up cannot be cancelled and holds a thread of the process until it ends. Invariants: of one name no more than one
 * is under way, whoever asks; no more than `lookupsMax` of all names.
 */
import { lookup } from "node:dns/promises";
import { discoveryLimits } from "../limits.js";

/** Finds the addresses of a host. Rejects with the system's code (`ENOTFOUND`, `EAI_AGAIN`). */
export type Lookup = (host: string) => Promise<readonly string[]>;

/** The same, with few at once; see the module. */
export function fewAtOnce(find: Lookup): Lookup {
  const underWay = new Map<string, Promise<readonly string[]>>();
  const waiting: (() => void)[] = [];
  let running = 0;
  const run = async (host: string): Promise<readonly string[]> => {
    if (running >= discoveryLimits.lookupsMax) {
      await new Promise<void>((resolve) => waiting.push(resolve));
    } else running += 1;
    try {
      return await find(host);
    } finally {
      underWay.delete(host);
      const next = waiting.shift();
      if (next === undefined) running -= 1;
      else next();
    }
  };
  return (host) => {
    const known = underWay.get(host);
    if (known !== undefined) return known;
    const found = run(host);
    underWay.set(host, found);
    return found;
  };
}

/** All addresses of the host. Rejects with the system's code (`ENOTFOUND`, `EAI_AGAIN`). */
export const machineLookup: Lookup = fewAtOnce(async (host) =>
  (await lookup(host, { all: true })).map(({ address }) => address),
);
