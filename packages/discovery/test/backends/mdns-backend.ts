/** The setup of `mdns` for the contract of backends. */
import type { DiscoveryBackendSetup } from "@foundation/testkit";
import { secretReader } from "../../src/lan/secrets.js";
import { discoverByMdns } from "../../src/mdns/mdns-discovery.js";
import { mdnsSettingsOf } from "../../src/mdns/mdns.js";
import { lanBackend, lanFailures } from "./lan-backend.js";

export const mdnsBackend: DiscoveryBackendSetup = {
  create: () =>
    lanBackend("mdns", (host, context) =>
      discoverByMdns(host, mdnsSettingsOf({}), secretReader(undefined, context), context),
    ),
  failures: lanFailures,
  // Probes and announcements at the start; then a query in ever longer pauses.
  pace: { requests: 2, perMs: 1_000 },
  retryMaxMs: 60_000,
};
