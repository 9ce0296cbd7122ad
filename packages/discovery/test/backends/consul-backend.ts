/** The setup of `consul`: the strategy on a fake Consul in memory and in virtual time, as the contract of backends wants it. */
import { virtualClock } from "@foundation/core/testing";
import {
  virtualTime,
  type DiscoveryBackend,
  type DiscoveryBackendSetup,
} from "@foundation/testkit";
import { discoverConsul } from "../../src/consul/discover-consul.js";
import type { ConsulOptions } from "../../src/consul/consul.js";
import { inMemoryHttp } from "../http/in-memory-http.js";
import { FakeConsul } from "../consul/fake-consul.js";

const SERVICE = "shop";

function create(options: ConsulOptions = {}): DiscoveryBackend {
  const clock = virtualClock();
  const fake = new FakeConsul(clock);
  const http = inMemoryHttp(clock, fake.handler);
  return {
    strategy: {
      name: "consul",
      discover: (context) =>
        discoverConsul({ service: SERVICE, ...options }, {}, context, () => http),
    },
    time: virtualTime(clock),
    add: (address) => fake.put(SERVICE, address),
    remove: (address) => void fake.catalog.deregister(address),
    fail: (kind) => fake.fail(kind),
    recover: () => fake.recover(),
    requests: () => fake.log.length,
    close: () => fake.close(),
  };
}

export const consulBackend: DiscoveryBackendSetup = {
  create: () => create({ wait: "5s" }),
  failures: ["error", "forbidden", "not-found", "empty", "partial", "stale", "malformed", "hang"],
  // A look that waits, three renewals in a TTL of 15 s, and short looks never closer than 250 ms.
  pace: { requests: 5, perMs: 1_000 },
  retryMaxMs: 30_000,
  // A query that waits is known to hang only after its wait.
  withinMs: 20_000,
};
