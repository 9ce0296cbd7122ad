/** The trees of a node just after its full mesh has ended: whom they have, and whom they pass broadcasts to. */
import { describe, expect, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import { virtualClock } from "@foundation/core/testing";
import { Channels } from "../../../../src/channel-options.js";
import { BROADCAST } from "../../../../src/limits.js";
import { decode, encode } from "../../../../src/protocol/plumtree/wire.js";
import type { PlumtreeMessage } from "../../../../src/protocol/plumtree/messages.js";
import { BroadcastGroups } from "../../../../src/runtime/broadcast/broadcast-groups.js";
import { Handlers } from "../../../../src/runtime/handlers.js";
import type { Link } from "../../../../src/runtime/link.js";
import { bootOf, idOf } from "../../../support/membership-entries.js";
import { runtimeWorld } from "../../../support/runtime-world.js";

const CHANNEL = "news";
const [LEAVER, OTHER] = [idOf(2), idOf(3)];
const DIGEST: PlumtreeMessage<Uint8Array> = {
  type: "digest",
  ask: false,
  more: false,
  fresh: false,
  seeking: false,
  runs: [{ origin: LEAVER, boot: bootOf(1), lo: 6, hi: 5, hop: 0 }],
};

/** The broadcasts of one node, and what it writes to whom. */
function nodeInAMesh() {
  const clock = virtualClock();
  const written: { readonly to: NodeId; readonly type: string }[] = [];
  const world = runtimeWorld(clock);
  let isPartial = false;
  const linkTo = (to: NodeId) => {
    const postAsIs = (...args: readonly unknown[]) => {
      written.push({ to, type: decode(args[6] as Uint8Array)?.type ?? "copy" });
    };
    return { peer: { id: to }, channel: CHANNEL, isOverLimit: false, postAsIs } as unknown as Link;
  };
  const members = {
    linkTo,
    isLinked: () => true,
    bootOf: () => bootOf(1),
    isPartial: () => isPartial,
  };
  const groups = new BroadcastGroups(world, members, new Handlers(), new Channels());
  for (const id of [LEAVER, OTHER]) groups.neighbour(id, true);
  return {
    clock,
    groups,
    endMesh: () => {
      isPartial = true;
      groups.meshChanged(false);
    },
    hear: (from: NodeId, message: PlumtreeMessage<Uint8Array>) => {
      groups.received(linkTo(from), encode(message));
    },
    /** Whom a broadcast of this node goes to, as a payload. */
    publish: () => {
      written.length = 0;
      const payload = world.codec.encode("hello");
      groups.publish(CHANNEL, { hash: 1, trace: undefined, payload, isLatest: false });
      return written.filter(({ type }) => type === "gossip").map(({ to }) => to);
    },
  };
}

describe("the tree of a channel after a full mesh", () => {
  test("has every neighbour, though one alone had told before that it uses it", async () => {
    const { clock, groups, endMesh, hear, publish } = nodeInAMesh();
    endMesh();
    // Its own mesh ended a little earlier: it has its tree already.
    hear(LEAVER, DIGEST);
    await clock.advance(BROADCAST.afterMeshMs);
    expect(publish()).toEqual([LEAVER, OTHER]);
    groups.close();
  });

  test("has every neighbour once the first of them uses it again", async () => {
    const { clock, groups, endMesh, hear, publish } = nodeInAMesh();
    endMesh();
    hear(LEAVER, DIGEST);
    await clock.advance(BROADCAST.afterMeshMs);
    hear(OTHER, { ...DIGEST, runs: [] });
    groups.neighbour(LEAVER, false);
    expect(publish()).toEqual([OTHER]);
    groups.close();
  });

  test("has every neighbour, though one alone used it while there was a mesh", async () => {
    const { clock, groups, endMesh, hear, publish } = nodeInAMesh();
    hear(LEAVER, DIGEST);
    endMesh();
    await clock.advance(BROADCAST.afterMeshMs);
    groups.neighbour(LEAVER, false);
    expect(publish()).toEqual([OTHER]);
    groups.close();
  });
});
