import { describe, expect, test } from "@jest/globals";
import { createNodeId, type DiscoveryContext } from "@foundation/core";
import { discoveryContext, memoryRuntime } from "@foundation/core/testing";
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
});
