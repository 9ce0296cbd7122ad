/** The setup of `gossip` for the contract of backends. */
import type { DiscoveryBackendSetup } from "@foundation/testkit";
import { discoverByGossip } from "../../src/gossip/gossip-discovery.js";
import { settingsOf } from "../../src/gossip/gossip.js";
import { secretReader } from "../../src/lan/secrets.js";
import { lanBackend, lanFailures } from "./lan-backend.js";

export const gossipBackend: DiscoveryBackendSetup = {
  create: () =>
    lanBackend("gossip", (host, context) =>
      discoverByGossip(host, settingsOf({}), secretReader(undefined, context), context),
    ),
  failures: lanFailures,
  // A word in two seconds, jittered, after two hellos more at the start.
  pace: { requests: 2, perMs: 1_500 },
  // It says that it is there as often as ever: who is back has to hear it.
  retryMaxMs: 2_000,
};
