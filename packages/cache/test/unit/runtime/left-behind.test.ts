/** What a node holds of a bucket that others own: it comes to them, and does not stay. */
import { describe, expect, test } from "@jest/globals";
import { createCodec, type NodeId } from "@foundation/core";
import { bucketOf } from "../../../src/protocol/key-hash.js";
import { Ring, ringPlacement } from "../../../src/protocol/ring.js";
import { cacheWorld } from "./world.js";

const times = { repairMs: 2_000 };
const codec = createCodec();

function keyOwnedBy(owner: string, ids: readonly NodeId[]): string {
  const ring = new Ring(1, ids, 1, ringPlacement());
  for (let index = 0; ; index++) {
    if (ring.primary(bucketOf(`key-${index}`)) === owner) return `key-${index}`;
  }
}

/** Three nodes; the second is sent, as by a node that takes it for an owner, what the first one owns. */
async function sendAstray(bytes: Uint8Array | null) {
  const world = cacheWorld(3);
  const caches = world.open<string>("users", { replicas: 1, times });
  const [owner, astray, sender] = world.cluster.nodes;
  const key = keyOwnedBy(
    owner!.id,
    world.cluster.nodes.map(({ id }) => id),
  );
  await world.run(caches[0]!.set(key, "old"));
  await world.clock.advance(3_000);
  // Newer than what the owner has.
  const counter = (world.clock.wallNow() + 60_000) * 1_024;
  const item = [key, 0, counter, sender!.id, bytes, null, 0, []];
  const route = { to: astray!.id, channel: "cache", subject: "cache.mend.users" };
  await world.run(sender!.messenger.request(route, [0, [item]], { timeoutMs: 1_000 }));
  await world.clock.advance(10_000);
  return { world, caches, key };
}

describe("a node that is sent what it does not own", () => {
  test("hands an entry over, and keeps nothing of it", async () => {
    const { world, caches, key } = await sendAstray(codec.encode("new"));
    try {
      expect(await world.run(caches[2]!.get(key))).toBe("new");
      expect(caches[1]!.stats().entries).toBe(0);
    } finally {
      await world.close();
    }
  });

  test("hands a deletion over, too", async () => {
    const { world, caches, key } = await sendAstray(null);
    try {
      expect(await world.run(caches[2]!.get(key))).toBe(undefined);
    } finally {
      await world.close();
    }
  });
});
