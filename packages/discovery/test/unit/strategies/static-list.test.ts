import { describe, expect, test } from "@jest/globals";
import { createNodeId, type DiscoveryContext } from "@foundation/core";
import { discoveryContext, memoryRuntime, virtualClock } from "@foundation/core/testing";
import { staticList } from "../../../src/strategies/static-list.js";

function contextFor(address: string, signal: AbortSignal): DiscoveryContext {
  const { clock, random, logger } = memoryRuntime();
  const self = { id: createNodeId(random), address, name: "n" };
  return discoveryContext({ cluster: "c", self, signal, clock, random, logger });
}

describe("the static list", () => {
  test("a mistake in the list is found when the strategy is made", () => {
    expect(() => staticList({ addresses: ["127.0.0.1:4100", "127.0.0.1"] })).toThrow(
      expect.objectContaining({ code: "ERR_PEER_ADDRESS" }),
    );
  });

  test("the own address is left out, and an address written twice is one peer", async () => {
    const abort = new AbortController();
    const addresses = ["127.0.0.1:1", "ws://127.0.0.1:2", "ws://127.0.0.1:2/"];
    const sets = staticList({ addresses }).discover(contextFor("ws://127.0.0.1:1", abort.signal));
    for await (const { peers } of sets) {
      expect(peers).toEqual([{ address: "ws://127.0.0.1:2" }]);
      abort.abort();
    }
  });

  test("an entry without a scheme is dialled as the node itself is", async () => {
    const list = staticList({ addresses: ["10.0.0.1:4100", "ws://10.0.0.2:4100"] });
    const self = { ...discoveryContext().self, address: "wss://10.0.0.9:4100" };
    for await (const { peers } of list.discover(discoveryContext({ self }))) {
      expect(peers).toEqual([
        { address: "wss://10.0.0.1:4100" },
        { address: "ws://10.0.0.2:4100" },
      ]);
      break;
    }
  });

  test("a name that hangs hides neither addresses nor other names, and leaves no timer", async () => {
    const clock = virtualClock();
    const abort = new AbortController();
    const lookup = (host: string) =>
      host === "well.test"
        ? Promise.resolve(["10.0.0.2", "10.0.0.3"])
        : new Promise<never>(() => {});
    const addresses = ["10.0.0.1:4100", "hung.test:4100", "well.test:4100"];
    const context = discoveryContext({ clock, signal: abort.signal });
    const sets: (readonly string[])[] = [];
    const ended = (async () => {
      for await (const { peers } of staticList({ addresses, lookup }).discover(context)) {
        sets.push(peers.map(({ address }) => address));
      }
    })();
    await clock.advance(7_000);
    const hosts = ["10.0.0.1", "10.0.0.2", "10.0.0.3", "hung.test"];
    expect(sets).toEqual([hosts.map((host) => `ws://${host}:4100`)]);
    await clock.advance(12_000);
    abort.abort();
    await clock.run(ended);
    await clock.settle();
    expect(clock.pendingTimers).toBe(0);
  });
});
