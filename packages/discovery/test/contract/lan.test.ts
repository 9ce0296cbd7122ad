import { describe, test } from "@jest/globals";
import {
  discoveryBackendContract,
  discoveryContract,
  type DiscoveryFixture,
} from "@foundation/testkit";
import { gossipBackend } from "../backends/gossip-backend.js";
import type { LanControls } from "../backends/lan-backend.js";
import { mdnsBackend } from "../backends/mdns-backend.js";
import type { DiscoveryBackend } from "@foundation/testkit";

for (const [name, setup] of Object.entries({ gossip: gossipBackend, mdns: mdnsBackend })) {
  describe(`${name}, on a network in memory and virtual time`, () => {
    discoveryBackendContract({ describe, test }, setup);
    discoveryContract(
      { describe, test },
      {
        create: () => setup.create() as DiscoveryFixture & DiscoveryBackend & LanControls,
        appear: (fixture, address) => backendOf(fixture).add(address),
        vanish: (fixture, address) => backendOf(fixture).remove(address),
        fail: (fixture) => backendOf(fixture).fail("error"),
        mend: (fixture) => backendOf(fixture).recover(),
      },
    );
  });
}

function backendOf(fixture: DiscoveryFixture): DiscoveryBackend {
  return fixture as DiscoveryFixture & DiscoveryBackend;
}
