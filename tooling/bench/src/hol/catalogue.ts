/** The contestants of the hol suite that are Node's, by name; a process loads only its own. */
import type { HolContestant } from "./contestant.js";

interface Entry {
  readonly load: () => Promise<HolContestant>;
  /** Installed on demand. */
  readonly isPeer?: boolean;
}

const foundation = () => import("./foundation.js");
const bare = () => import("./bare-ws.js");
const moleculer = () => import("../../peers/moleculer-bulk.js");

export const holCatalogue: Readonly<Record<string, Entry>> = {
  foundation: { load: async () => (await foundation()).foundation },
  "foundation-tls-psk": { load: async () => (await foundation()).foundationTls },
  "ws-chunks-credit": { load: async () => (await bare()).wsChunksCredit },
  "ws-plain": { load: async () => (await bare()).wsPlain },
  "ws-two": { load: async () => (await bare()).wsTwo },
  "moleculer-0.15-tcp": {
    isPeer: true,
    load: async () => (await moleculer()).moleculerBulk("0.15"),
  },
};
