import { describe, expect, test } from "@jest/globals";
import { VirtualOverlays } from "../support/virtual-overlays.js";

describe("nodes that dial each other at the same time", () => {
  test("end with exactly one coordination link between any two, and nobody is ever told down", async () => {
    for (let seed = 1; seed <= 40; seed += 1) {
      const world = new VirtualOverlays(seed, seed % 5, (seed * 7) % 23);
      const hosts = ["a", "b", "c", "d"].slice(0, 2 + (seed % 3));
      const addresses = hosts.map((host) => `memory://${host}:1000`);
      const nodes = [];
      for (const host of hosts) nodes.push(await world.start(host));
      const bad: string[] = [];
      for (const node of nodes) {
        node.membership.subscribe(
          ({ type }) => void (type === "node-down" && bad.push(`${node.self.name} ${type}`)),
        );
        node.dial(addresses);
      }
      await world.clock.advance(5_000);
      const pairs = (hosts.length * (hosts.length - 1)) / 2;
      const listed = nodes.map(({ membership }) => membership.members().length);
      const found = { seed, listed, connections: world.network.openConnections, bad };
      expect(found).toEqual({
        seed,
        listed: hosts.map(() => hosts.length),
        connections: pairs,
        bad: [],
      });
      await world.close();
    }
  });
});
