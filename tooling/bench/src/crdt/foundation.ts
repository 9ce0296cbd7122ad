/** Ours: two overlays on loopback with everything on, and a replicated map. */
import { createState, type ReplicatedMap, type ReplicatedState } from "@foundation/crdt";
import type { Overlay } from "@foundation/overlay";
import { startOverlay } from "../contestants/foundation.js";
import type { MapContestant, Replica } from "./contestant.js";

let holder: ReplicatedState | undefined;

function stateOf({ messenger, membership, broadcast }: Overlay): ReplicatedState {
  return createState({ messenger, membership, broadcast });
}

function replicaOf(map: ReplicatedMap<string>): Replica {
  return {
    get size() {
      return map.size;
    },
    batch: (write) => map.update(write),
  };
}

export const foundation: MapContestant = {
  async serve() {
    const overlay = await startOverlay("off");
    holder = stateOf(overlay);
    return { address: overlay.address };
  },
  async hold(name) {
    if (holder === undefined) throw new Error("serve comes first");
    return { replica: replicaOf(await holder.map<string>(name)), where: name };
  },
  async join(address, where) {
    const overlay = await startOverlay("off", [address]);
    return replicaOf(await stateOf(overlay).map<string>(where));
  },
};
