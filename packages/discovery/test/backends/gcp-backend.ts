/** The setup of `gcp`: the strategy on a fake Compute Engine in memory and in virtual time, as the contract of backends wants it. */
import { virtualClock } from "@foundation/core/testing";
import {
  virtualTime,
  type DiscoveryBackend,
  type DiscoveryBackendSetup,
} from "@foundation/testkit";
import { discoverGcp } from "../../src/gcp/discover-gcp.js";
import type { GcpOptions } from "../../src/gcp/gcp.js";
import { inMemoryHttp } from "../http/in-memory-http.js";
import { FakeGcp } from "../gcp/fake-gcp.js";

const LABELS = { app: "shop" };

function create(options: GcpOptions = {}): DiscoveryBackend {
  const clock = virtualClock();
  const fake = new FakeGcp(clock);
  fake.machine = { zone: "europe-west3-a", tokenLifeMs: 3_600_000 };
  fake.pageSize = 1;
  const given: GcpOptions = { labels: LABELS, interval: "1s" };
  let made = 0;
  return {
    strategy: {
      name: "gcp",
      discover: (context) =>
        discoverGcp({ ...given, ...options }, {}, context, inMemoryHttp(clock, fake.handler)),
    },
    time: virtualTime(clock),
    add: (address) => {
      const { hostname } = new URL(address.replace(/^ws/, "http"));
      // Every second instance in another zone.
      const zone = made++ % 2 === 0 ? "europe-west3-a" : "europe-west3-b";
      fake.put(address, { ip: hostname, labels: LABELS, zone });
    },
    remove: (address) => void fake.vms.delete(address),
    fail: (kind) => fake.fail(kind),
    recover: () => fake.recover(),
    requests: () => fake.log.length,
    close: () => {},
  };
}

export const gcpBackend: DiscoveryBackendSetup = {
  create: () => create({ port: 4100 }),
  failures: ["error", "forbidden", "not-found", "empty", "partial", "malformed", "hang"],
  pace: { requests: 1, perMs: 1_000 },
  retryMaxMs: 30_000,
  // A request that hangs is known to after ten seconds.
  withinMs: 60_000,
};
