/** Ours as an application starts it: everything by itself, in a folder where only these nodes meet. */
import { startCluster } from "@foundation/foundation";
import type { Contestant } from "./contestant.js";

export const cluster: Contestant = {
  async start({ nodes }) {
    const started = await startCluster();
    return { full: started.ready({ nodes, timeout: "60s" }) };
  },
};
