import { describe, test } from "@jest/globals";
import { nodeClock } from "@foundation/core";
import {
  discoveryBackendContract,
  discoveryContract,
  realTime,
  type DiscoveryFixture,
} from "@foundation/testkit";
import { consul } from "../../src/consul/consul.js";
import { consulBackend } from "../backends/consul-backend.js";
import { FakeConsul } from "../consul/fake-consul.js";
import { serveHttp } from "../http/serve-http.js";

describe("consul, an agent in memory and virtual time", () => {
  discoveryBackendContract({ describe, test }, consulBackend);
});

describe("consul, over real sockets", () => {
  discoveryContract(
    { describe, test },
    {
      create: async (): Promise<DiscoveryFixture & { readonly fake: FakeConsul }> => {
        const clock = nodeClock();
        const fake = new FakeConsul(clock);
        const server = await serveHttp(fake.handler);
        return {
          strategy: consul({ address: server.url, service: "shop", interval: 20 }),
          time: realTime(clock),
          fake,
          close: async () => {
            fake.close();
            await server.close();
          },
        };
      },
      appear: (fixture, address) => fakeOf(fixture).put("shop", address),
      vanish: (fixture, address) => void fakeOf(fixture).catalog.deregister(address),
      fail: (fixture) => fakeOf(fixture).fail("error"),
      mend: (fixture) => fakeOf(fixture).recover(),
    },
  );
});

function fakeOf(fixture: DiscoveryFixture): FakeConsul {
  return (fixture as DiscoveryFixture & { readonly fake: FakeConsul }).fake;
}
