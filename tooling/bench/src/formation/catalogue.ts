/** The contestants that are Node's, by name; a process loads only its own. */
import type { Contestant, Place } from "./contestant.js";

export const OURS = "foundation";
export const OURS_CLUSTER = "foundation-cluster";
export const WS_MESH = "ws-mesh";
export const MOLECULER = "moleculer-0.15-tcp";

type Load = (place: Pick<Place, "peers">) => Promise<Contestant>;

export const catalogue: Readonly<Record<string, Load>> = {
  [OURS]: async () => (await import("./foundation.js")).overlay,
  [OURS_CLUSTER]: async () => (await import("./foundation-cluster.js")).cluster,
  [WS_MESH]: async () => (await import("./ws-mesh.js")).wsMesh,
  [MOLECULER]: async ({ peers }) => (await import("./moleculer.js")).moleculer(peers),
};
