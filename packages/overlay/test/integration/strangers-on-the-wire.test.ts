/** The limits for one address, against strangers on another host: two network stacks, TLS on. */
import { afterEach, beforeEach, expect } from "@jest/globals";
import { requires } from "@foundation-tooling/jest";
import { DOOR } from "../../src/limits.js";
import type { DoorState, Order } from "../support/door-process.js";
import { canMakeTwoHosts, TwoHosts } from "../support/namespaces.js";

const hosts = await requires("two network namespaces (Linux, as root)", canMakeTwoHosts);

hosts.describe("strangers on another host", () => {
  let two: TwoHosts;
  let node: (order: Order) => Promise<unknown>;
  let strangers: (order: Order) => Promise<unknown>;
  let address = "";
  const stateOf = async () => (await node({ type: "state" })) as DoorState;
  /** Once it has looked at all who have come. */
  const settled = async () => {
    for (let last = ""; ; ) {
      const state = await stateOf();
      if (JSON.stringify(state) === last) return state;
      last = JSON.stringify(state);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  };
  beforeEach(async () => {
    two = await TwoHosts.create();
    [node, strangers] = [two.start(0), two.start(1)];
    address = (await node({
      type: "start",
      host: two.addresses[0],
      peers: [],
      count: 1,
    })) as string;
  }, 20_000);
  afterEach(() => two.close());

  hosts.test(
    "that say nothing are held to 16 at once",
    async () => {
      expect(address).toMatch(/^wss:\/\/198\.18\.77\.1:/);
      expect(await strangers({ type: "silent", address, count: 24 })).toBe(
        DOOR.strangersPerAddressMax,
      );
      expect((await stateOf()).limits).toMatchObject({ strangersPerAddressMax: 8 });
    },
    20_000,
  );

  hosts.test(
    "that knock as fast as they can are held to 32 a second",
    async () => {
      const count = 400;
      const begun = performance.now();
      await strangers({ type: "knock", address, count });
      const { limits } = await settled();
      const allowed = DOOR.arrivalsPerSecondMax * (1 + (performance.now() - begun) / 1_000);
      const refused = limits["arrivalsPerSecondMax"];
      expect(refused).toBeGreaterThanOrEqual(count - Math.ceil(allowed));
      expect(refused).toBeLessThanOrEqual(count - DOOR.arrivalsPerSecondMax);
      expect(limits["failuresMax"]).toBe(0);
    },
    20_000,
  );

  hosts.test(
    "that try 5 wrong keys are not listened to 3 s later, with the right key neither",
    async () => {
      expect(await strangers({ type: "keys", address, count: 5, isRight: false })).toBe(0);
      expect(await strangers({ type: "keys", address, count: 1, isRight: true })).toBe(1);
      await new Promise((resolve) => setTimeout(resolve, DOOR.keyGraceMs + 500));
      expect(await strangers({ type: "keys", address, count: 1, isRight: true })).toBe(0);
      const { limits, refusals } = await stateOf();
      expect(limits["failuresMax"]).toBe(1);
      expect(refusals["ERR_WRONG_SECRET"]).toBe(5);
    },
    20_000,
  );

  hosts.test(
    "whose guesses are many are not listened to at once",
    async () => {
      for (let i = 0; i < 3; i += 1) {
        await strangers({ type: "keys", address, count: 32, isRight: false });
        if ((await stateOf()).limits["failuresMax"] !== 0) break;
        await new Promise((resolve) => setTimeout(resolve, 900));
      }
      expect((await stateOf()).limits["failuresMax"]).toBeGreaterThan(0);
    },
    20_000,
  );

  hosts.test(
    "are members by their second key, eight that start at once, and no stranger stands in their way",
    async () => {
      const first = "a key nobody else has yet";
      const host = two.addresses[1];
      await strangers({ type: "start", host, peers: [address], count: 8, first });
      let state = await stateOf();
      while (state.members < 9) {
        await new Promise((resolve) => setTimeout(resolve, 50));
        state = await stateOf();
      }
      expect(state.limits["failuresMax"]).toBe(0);
      await strangers({ type: "keys", address, count: 20, isRight: false });
      expect(await strangers({ type: "keys", address, count: 1, isRight: true })).toBe(1);
    },
    30_000,
  );
});
