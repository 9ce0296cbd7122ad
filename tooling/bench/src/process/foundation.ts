/** Ours: two overlays on loopback with everything on, and a process of the registry on each. */
import { createKernel, defineProcess, nodeRuntime, silentLogger } from "@foundation/core";
import type { Overlay } from "@foundation/overlay";
import { createRegistry, type Registry } from "@foundation/registry";
import { firstPeer, startOverlay } from "../contestants/foundation.js";
import type { ProcessContestant } from "./contestant.js";

let told = 0;

const echo = defineProcess({
  name: "bench.echo",
  init: () => ({ calls: 0 }),
  call: {
    echo: ({ state }, payload: unknown) => {
      state.calls += 1;
      return payload;
    },
  },
  cast: {
    note: (_, payload: unknown) => {
      if (payload !== undefined) told += 1;
    },
  },
});

const REMOTE = "bench.remote";

function registryOf({ messenger, membership, broadcast }: Overlay): Registry {
  const runtime = nodeRuntime({ logger: silentLogger() });
  const { id: node, boot } = membership.self;
  const kernel = createKernel({ node, boot, runtime });
  return createRegistry({ messenger, membership, broadcast, kernel, runtime });
}

export const foundation: ProcessContestant = {
  async serve() {
    const overlay = await startOverlay("off");
    await registryOf(overlay).startProcess(echo, undefined, { name: REMOTE });
    return { address: overlay.address };
  },
  async connect(address) {
    const overlay = await startOverlay("off", [address]);
    const registry = registryOf(overlay);
    if (overlay.membership.members().length < 2) await firstPeer(overlay);
    while (registry.lookup(REMOTE) === undefined) await moment();
    const local = await registry.startProcess(echo, undefined, { name: "bench.local" });
    const remote = registry.process(echo, REMOTE);
    return {
      local: (payload) => local.call("echo", payload),
      remote: (payload) => remote.call("echo", payload),
      cast: (payload) => local.cast("note", payload),
      casts: () => told,
      async start() {
        const started = await registry.startProcess(echo);
        return () => started.stop();
      },
    };
  },
};

function moment(): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, 5));
}
