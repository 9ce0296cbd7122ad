/**
 * A peer that may not dial asks for a channel; its request can cross with our dial. Found on a busy machine: the lane
 * that had just been opened was closed for dead, because its peer had so much to send that no pong came in time, and
 * what was under way on it was lost.
 */
import { describe, expect, test } from "@jest/globals";
import type { Connection, NodeId } from "@foundation/core";
import { virtualClock } from "@foundation/core/testing";
import { Channels } from "../../../src/channel-options.js";
import { FrameKind } from "../../../src/protocol/frame.js";
import { COORDINATION } from "../../../src/runtime/dial-targets.js";
import type { Link } from "../../../src/runtime/link.js";
import { LinkEvents } from "../../../src/runtime/link-events.js";
import { PeerTable, type PeerTableCollaborators } from "../../../src/runtime/peer-table.js";
import { bootOf, idOf } from "../../support/membership-entries.js";
import { runtimeWorld } from "../../support/runtime-world.js";

/** A table with one peer that we have dialled, whose channel "data" is up; nothing answers pings. */
function linked() {
  const clock = virtualClock();
  const world = runtimeWorld(clock);
  const table = new PeerTable(world, new LinkEvents(), new Channels());
  const peerId = idOf(2);
  table.collaborators = {
    opener: { wake() {}, want() {}, settled() {} },
    owner: {
      receive: (link: Link, frame: Uint8Array) => link.inflow.received(frame.length),
      dropping() {},
      lost() {},
      resumed() {},
    },
    memberOf: (id: NodeId) => (id === peerId ? { id, boot: bootOf(1) } : undefined),
    linked() {},
  } as unknown as PeerTableCollaborators;
  const adopt = (channel: string) => {
    let deliver: (frame: Uint8Array) => void = () => {};
    const connection: Partial<Connection> = {
      closed: new Promise(() => {}),
      bufferedBytes: 0,
      send() {},
      close() {},
      onFrame: (handler) => (deliver = handler),
    };
    const identity = { id: peerId, boot: bootOf(1), name: "n2", address: "", channel, lane: 0 };
    table.adopt(identity as never, "us", connection as Connection);
    return (frame: Uint8Array) => deliver(frame);
  };
  adopt(COORDINATION);
  const deliver = adopt("data");
  const peer = table.peer(peerId);
  if (peer === undefined) throw new Error("no peer");
  const isUp = () => peer.channels.get("data")?.[0]?.isUp;
  return { clock, table, peer, deliver, isUp, timeoutMs: world.preset.pingTimeoutMs };
}

describe("a peer asks for a channel that is up here", () => {
  test("a connection on which it goes on sending is none it does not know", async () => {
    const { clock, table, peer, deliver, isUp, timeoutMs } = linked();
    table.openRequested(peer, "data", 0);
    await clock.advance(timeoutMs / 2);
    deliver(new Uint8Array([FrameKind.data, 0]));
    await clock.advance(timeoutMs);
    expect(isUp()).toBe(true);
  });

  test("a connection on which nothing comes any more is closed, whatever came before", async () => {
    const { clock, table, peer, deliver, isUp, timeoutMs } = linked();
    deliver(new Uint8Array([FrameKind.data, 0]));
    table.openRequested(peer, "data", 0);
    await clock.advance(timeoutMs - 1);
    expect(isUp()).toBe(true);
    await clock.advance(1);
    expect(isUp()).toBe(false);
  });
});
