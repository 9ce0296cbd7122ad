import { describe, expect, test } from "@jest/globals";
import { inMemoryMeter, type MembershipEvent, type NodeId } from "@foundation/core";
import { recordingLogger, seededRandom, virtualClock } from "@foundation/core/testing";
import type { LinkEvent, LinkLayer } from "../../../src/membership/link-layer.js";
import { createMembership } from "../../../src/membership/membership-shell.js";
import type { MembershipMessage } from "../../../src/protocol/membership/messages.js";
import { addressOf, bootOf, entryOf, idOf, wireOf } from "../../support/membership-entries.js";

class RecordedLinks implements LinkLayer {
  readonly sent: { readonly to: NodeId; readonly message: MembershipMessage }[] = [];
  readonly calls: string[] = [];
  readonly listeners = new Set<(event: LinkEvent) => void>();

  send(to: NodeId, message: MembershipMessage): boolean {
    this.sent.push({ to, message });
    return true;
  }
  connect(target: { readonly address: string }): void {
    this.calls.push(`connect ${target.address}`);
  }
  disconnect(_id: NodeId, options: { readonly graceful: boolean }): void {
    this.calls.push(options.graceful ? "close" : "break");
  }
  keep(_id: NodeId, { isWanted }: { readonly isWanted: boolean }): void {
    this.calls.push(isWanted ? "keep" : "let go");
  }
  forget(address: string): void {
    this.calls.push(`forget ${address}`);
  }
  lastHeard(): undefined {
    return undefined;
  }
  on(listener: (event: LinkEvent) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }
  tell(event: LinkEvent): void {
    for (const listener of this.listeners) listener(event);
  }
  meet(number: number): void {
    const [id, boot, address] = [idOf(number), bootOf(1), addressOf(number)];
    this.tell({ type: "link-up", id, boot, address, name: `n${number}` });
    const message: MembershipMessage = { type: "updates", entries: [wireOf(number)] };
    this.tell({ type: "message", from: id, boot, message });
  }
}

function start() {
  const { id, boot, address, name, roles, labels } = entryOf(1);
  const [links, clock, logger, meter] = [
    new RecordedLinks(),
    virtualClock(),
    recordingLogger(),
    inMemoryMeter(),
  ];
  const runtime = { clock, random: seededRandom(1), logger, meter };
  const membership = createMembership({
    self: { id, boot, address, name, roles, labels },
    links,
    runtime,
  });
  const events: MembershipEvent[] = [];
  membership.subscribe((event) => events.push(event));
  return { membership, links, clock, logger, meter, events };
}

describe("createMembership", () => {
  test("begins with itself, and dials what discovery found", async () => {
    const { membership, links } = start();
    expect(membership.members()).toEqual([membership.self]);
    membership.discovered(["10.0.0.9:1"]);
    expect(links.calls).toEqual(["connect 10.0.0.9:1"]);
    await membership.close();
  });

  test("lists members by id, in one array between changes", async () => {
    const { membership, links, events } = start();
    links.meet(3);
    links.meet(2);
    expect(events.map((event) => event.type)).toEqual(["node-up", "node-up"]);
    expect(membership.members().map((member) => member.id)).toEqual([1, 2, 3].map(idOf));
    expect(membership.members()).toBe(membership.members());
    expect(membership.member(idOf(2))?.name).toBe("n2");
    expect(membership.observe()).toMatchObject({ members: 3, links: 2, localHealth: 0 });
    await membership.close();
  });

  test("probes by the clock, and counts what it sees", async () => {
    const { membership, links, clock, meter } = start();
    links.meet(2);
    await clock.advance(3_000);
    expect(links.sent.some(({ message }) => message.type === "ping")).toBe(true);
    expect(meter.snapshot().get('membership_events_total{type="node-up"}')).toBe(1);
    expect(meter.snapshot().get("membership_members")).toBe(2);
    await membership.close();
  });

  test("calls the other listeners when one throws, and logs it", async () => {
    const { membership, links, logger } = start();
    membership.subscribe(() => {
      throw new Error("boom");
    });
    const later: string[] = [];
    membership.subscribe((event) => later.push(event.type));
    links.meet(2);
    expect(later).toEqual(["node-up"]);
    expect(logger.lines.filter((line) => line.level === "error")).toHaveLength(1);
    await membership.close();
  });

  test("handles what a listener asks for after the present input, in order", async () => {
    const { membership, links } = start();
    const seen: string[] = [];
    membership.subscribe((event) => {
      if (event.type === "node-up") membership.drain();
      seen.push(event.type);
    });
    links.meet(2);
    expect(seen).toEqual(["node-up", "node-draining"]);
    expect(membership.self.status).toBe("draining");
    await membership.close();
  });

  test("says farewell, waits for its links to close, and leaves nothing behind", async () => {
    const { membership, links, clock } = start();
    links.meet(2);
    let left = false;
    const leaving = membership.leave().then(() => (left = true));
    expect(membership.leave()).toBe(membership.leave());
    await clock.settle();
    expect(links.sent.at(-1)?.message).toMatchObject({ entries: [{ status: "left" }] });
    expect([links.calls, left]).toEqual([["close"], false]);
    links.tell({ type: "link-down", id: idOf(2), boot: bootOf(1), reason: "closed" });
    await leaving;
    expect([clock.pendingTimers, links.listeners.size]).toEqual([0, 0]);
    expect(membership.members()).toEqual([]);
  });

  test("does not wait longer for its links than it was told", async () => {
    const { membership, links, clock } = start();
    links.meet(2);
    const leaving = membership.leave({ timeout: "300ms" });
    await clock.advance(300);
    await leaving;
    expect(clock.now()).toBe(300);
  });

  test("tells nobody and runs nothing after close", async () => {
    const { membership, links, clock, events } = start();
    await membership.close();
    await membership[Symbol.asyncDispose]();
    links.meet(2);
    await clock.advance(60_000);
    expect([events, links.sent, clock.pendingTimers]).toEqual([[], [], 0]);
  });
});
