import { describe, expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import { virtualClock } from "@foundation/core/testing";
import { CACHE_LIMITS, CACHE_TIMES } from "../../../src/limits.js";
import { ringPlacement, Ring } from "../../../src/protocol/ring.js";
import { Copies } from "../../../src/runtime/copies.js";
import { Reader } from "../../../src/runtime/reader.js";
import { Patience } from "../../../src/runtime/patience.js";
import { unavailable, type World } from "../../../src/runtime/world.js";

const [a, b] = ["a", "b"] as unknown as [NodeId, NodeId];
const ringOf = (epoch: number) => new Ring(epoch, [a, b], 2, ringPlacement());

/** A node of a quorum of two, whose peer is a function. */
function quorumOf(ring: () => Ring, ask: World["ask"]) {
  const clock = virtualClock();
  const world = {
    ...{ name: "numbers", self: a, consistency: "quorum", clock, limits: CACHE_LIMITS },
    ...{ times: CACHE_TIMES, closed: new AbortController().signal, ring, ask },
    membership: { member: () => ({}) },
  } as unknown as World;
  return { clock, world };
}

describe("a quorum", () => {
  test("takes no copy for one of a write's epoch that was taken in the next", async () => {
    let epoch = 1;
    // The peer went on to the next epoch first, where others may own the key.
    const { clock, world } = quorumOf(
      () => ringOf(epoch),
      async (_, __, payload) => {
        const [view] = payload as readonly unknown[];
        if (view === 2) return true;
        epoch = 2;
        throw unavailable("numbers", "this node and the sender see different members");
      },
    );
    const copies = new Copies(world, () => undefined);
    const version = { epoch: 1, counter: 1, writer: a };
    const item = { key: "k", version, bytes: new Uint8Array(1), freshForMs: Infinity };
    const written = clock.run(copies.spread({ ...item, staleForMs: 0, tags: [] }));
    await expect(written).rejects.toMatchObject({ code: "ERR_OUTCOME_UNKNOWN" });
  });

  test("fails a read in its time when an owner answers what is no answer", async () => {
    const { clock, world } = quorumOf(
      () => ringOf(1),
      async () => ["nonsense"],
    );
    const patience = new Patience(world, { timeout: 500 }, 500);
    const read = clock.run(new Reader(world).read(["k"], patience, false));
    await expect(read).rejects.toMatchObject({ code: "ERR_CACHE_UNAVAILABLE" });
  });
});
