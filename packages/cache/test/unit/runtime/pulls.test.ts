import { expect, test } from "@jest/globals";
import { coreErrors, type NodeId } from "@foundation/core";
import { virtualClock } from "@foundation/core/testing";
import { BUCKETS, CACHE_LIMITS, CACHE_TIMES } from "../../../src/limits.js";
import { wireOf, wireVersion, type Item } from "../../../src/protocol/item.js";
import { bucketOf } from "../../../src/protocol/key-hash.js";
import { Replica } from "../../../src/protocol/replica.js";
import { Ring, ringPlacement } from "../../../src/protocol/ring.js";
import { NO_VERSION } from "../../../src/protocol/version.js";
import { Pulls } from "../../../src/runtime/pulls.js";
import { Standing } from "../../../src/runtime/standing.js";
import type { World } from "../../../src/runtime/world.js";

const [a, b] = ["a", "b"] as unknown as [NodeId, NodeId];
const version = { epoch: 0, counter: 5, writer: b };
const item: Item = {
  ...{ key: "k", version, bytes: new Uint8Array([1]) },
  ...{ freshForMs: Infinity, staleForMs: 0, tags: [] },
};

test("a newcomer serves nothing of a bucket before it has it, though an answer was lost", async () => {
  const clock = virtualClock();
  let pulls = 0;
  const ask: World["ask"] = async (_, verb) => {
    if (verb === "hold") return ["held", [[bucketOf("k"), "1.1"]]];
    pulls += 1;
    if (pulls > 1) return ["page", [wireOf(item)], null, wireVersion(NO_VERSION)];
    await clock.sleep(CACHE_TIMES.copyMs);
    throw coreErrors.ERR_TIMEOUT("no answer", { timeoutMs: CACHE_TIMES.copyMs, target: b });
  };
  const world = {
    ...{ name: "numbers", self: a, consistency: "eventual", clock, limits: CACHE_LIMITS, ask },
    ...{ times: CACHE_TIMES, closed: new AbortController().signal },
    membership: { member: () => ({}) },
  } as unknown as World;
  const replica = new Replica({ entriesMax: 10, bytesMax: 10_000, tombstonesMax: 10 });
  const standing = new Standing(world);
  const ring = new Ring(1, [a, b], 2, ringPlacement());
  const shift = standing.adopt(ring, true, () => false);
  expect(shift.cold).toHaveLength(BUCKETS);
  const joined = new Pulls(world, replica, standing).join(shift, ring, [b]);
  const found = standing.warm([bucketOf("k")]).then(() => replica.get("k", clock.now())?.version);
  expect(await clock.run(found)).toEqual(version);
  await clock.run(joined);
});
