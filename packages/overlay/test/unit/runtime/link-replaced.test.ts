import { describe, expect, test } from "@jest/globals";
import type { Connection, ConnectionEnd } from "@foundation/core";
import { virtualClock } from "@foundation/core/testing";
import { Channels } from "../../../src/channel-options.js";
import { COORDINATION } from "../../../src/runtime/dial-targets.js";
import { Link } from "../../../src/runtime/link.js";
import { linkWorldOf } from "../../../src/runtime/link-world.js";
import { Peer } from "../../../src/runtime/peer.js";
import { bootOf, idOf } from "../../support/membership-entries.js";
import { runtimeWorld } from "../../support/runtime-world.js";

/** A connection that takes everything and ends when it is told to. */
function connection() {
  let end!: (end: ConnectionEnd) => void;
  const closed = new Promise<ConnectionEnd>((resolve) => {
    end = resolve;
  });
  const parts: Partial<Connection> = { closed, bufferedBytes: 0, send: () => {}, close: () => {} };
  parts.onFrame = () => {};
  return { connection: parts as Connection, end };
}

describe("a link whose connection breaks while its peer is asked for a sign of life", () => {
  test("is told to be broken before another connection takes its place, not after it", async () => {
    const clock = virtualClock();
    const told: string[] = [];
    const ignored = () => {};
    const world = linkWorldOf(runtimeWorld(clock), {
      receive: ignored,
      lost: ignored,
      resumed: ignored,
      dropping: ignored,
      broken: (of, { reason }) => told.push(`broken (${reason}), up: ${of.isUp}`),
    });
    const peer = new Peer(idOf(2), bootOf(1), "n2", "", clock.now());
    const link = new Link(peer, new Channels().of(COORDINATION), 0, world);
    const first = connection();
    link.attach(first.connection);
    // So admission does with a newcomer of the same id: it is let in when there is no sign of life.
    link.ping(1_000, (alive) => {
      told.push(`alive: ${alive}`);
      link.attach(connection().connection);
    });
    first.end({ reason: "lost", detail: "reset" });
    await clock.advance(1);
    expect(told).toEqual(["broken (lost), up: false", "alive: false"]);
    expect(link.isUp).toBe(true);
    // The ping's own time is over too: nothing is told twice.
    await clock.advance(5_000);
    expect(told).toHaveLength(2);
    expect(link.isUp).toBe(true);
  });
});
