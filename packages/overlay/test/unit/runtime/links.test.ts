import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createBoot } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type { Overlay } from "../../../src/index.js";
import { outcomeOf, VirtualOverlays } from "../../support/virtual-overlays.js";

let world: VirtualOverlays;
let a: Overlay;
let b: Overlay;

const pair = async (options = {}) => {
  [a, b] = (await world.form(2, options)) as [Overlay, Overlay];
};
const to = (node: Overlay, subject = "test", channel = "data") => ({
  to: node.self.id,
  channel,
  subject,
});
const numbersAt = (node: Overlay, subject = "test") => {
  const received: unknown[] = [];
  node.messenger.handle(subject, ({ payload }) => void received.push(payload));
  return received;
};

beforeEach(() => {
  world = new VirtualOverlays();
});
afterEach(() => world.close());

describe("links between two nodes", () => {
  test("one connection each for coordination and for every channel that is used, from either side", async () => {
    await pair();
    expect(world.network.openConnections).toBe(1);
    await a.messenger.send(to(b), 1);
    await b.messenger.send(to(a), 1);
    await b.messenger.send(to(a, "test", "events"), 1);
    await world.clock.advance(500);
    expect(world.network.openConnections).toBe(3);
  });

  test("a channel with lanes has a connection for each lane in use, and each key keeps its order", async () => {
    await pair({ channels: [{ name: "data", parallelism: 4 }] });
    const received: { key: string; n: number }[] = [];
    b.messenger.handle(
      "test",
      ({ payload }) => void received.push(payload as { key: string; n: number }),
    );
    for (let n = 0; n < 50; n += 1) {
      for (let k = 0; k < 8; k += 1) {
        const key = `key-${k}`;
        expect(a.messenger.trySend({ ...to(b), key }, { key, n })).toBe("accepted");
      }
    }
    await world.clock.advance(500);
    expect(world.network.openConnections).toBe(1 + 4);
    for (let k = 0; k < 8; k += 1) {
      const own = received.filter(({ key }) => key === `key-${k}`).map(({ n }) => n);
      expect(own).toEqual([...Array(50).keys()]);
    }
  });

  test("messages sent while a channel is being opened arrive in order, from the side that must ask for it too", async () => {
    await pair();
    const atA = numbersAt(a);
    const atB = numbersAt(b);
    for (let i = 0; i < 100; i += 1) {
      a.messenger.trySend(to(b), i);
      b.messenger.trySend(to(a), i);
    }
    await world.clock.advance(500);
    expect(atA).toEqual([...Array(100).keys()]);
    expect(atB).toEqual([...Array(100).keys()]);
  });

  test("a link that breaks while the peer lives is opened again; what was written is at most once, the rest in order", async () => {
    await pair();
    const received = numbersAt(b);
    for (let i = 0; i < 20; i += 1) a.messenger.trySend(to(b), i);
    await world.clock.advance(100);
    world.network.sever("a", "b");
    for (let i = 20; i < 40; i += 1) a.messenger.trySend(to(b), i);
    await world.clock.advance(2_000);
    a.messenger.trySend(to(b), 40);
    await world.clock.advance(100);
    const numbers = received as number[];
    expect(new Set(numbers).size).toBe(numbers.length);
    expect(numbers).toEqual(numbers.toSorted((x, y) => x - y));
    expect(numbers.at(-1)).toBe(40);
    expect(a.membership.members()).toHaveLength(2);
  });

  test("requests in flight end unknown when their connection breaks, and unwritten ones go over the new one", async () => {
    await pair();
    let runs = 0;
    b.messenger.handle("slow", () => {
      runs += 1;
      return world.clock.sleep(1_000);
    });
    b.messenger.handle("echo", ({ payload }) => payload);
    const written = outcomeOf(a.messenger.request(to(b, "slow"), 1));
    await world.clock.advance(50);
    expect(runs).toBe(1);
    world.network.sever("a", "b");
    await world.clock.settle();
    expect(written.code).toBe("ERR_OUTCOME_UNKNOWN");
    const later = outcomeOf(a.messenger.request(to(b, "echo"), 2));
    await world.clock.advance(2_000);
    expect(later.value).toBe(2);
    expect(runs).toBe(1);
  });

  test("a request that was never written says so when the node is gone, and a member that is gone is unreachable", async () => {
    await pair();
    await a.messenger.send(to(b), 1);
    await world.clock.advance(100);
    const closing = b.close();
    world.network.crash("b");
    await world.clock.run(closing);
    const request = outcomeOf(a.messenger.request(to(b), 1));
    await world.clock.advance(3_000);
    expect(request.code).toBe("ERR_NODE_UNREACHABLE");
    expect(a.messenger.trySend(to(b), 1)).toBe("unreachable");
  });

  test("what is no signal is refused before a message leaves with it", async () => {
    await pair();
    const options = { signal: new AbortController() as never };
    const refused = outcomeOf(a.messenger.request(to(b), 1, options));
    const alsoRefused = outcomeOf(a.messenger.send(to(b), 1, options));
    await world.clock.advance(6_000);
    expect([refused.code, alsoRefused.code]).toEqual(Array(2).fill("ERR_INVALID_ARGUMENT"));
  });

  test("a request whose deadline passes ends unknown, and the handler's signal fires", async () => {
    await pair();
    let aborted = false;
    b.messenger.handle("never", ({ signal }) => {
      signal.addEventListener("abort", () => {
        aborted = true;
      });
      return new Promise(() => {});
    });
    const request = outcomeOf(a.messenger.request(to(b, "never"), 1, { timeoutMs: 300 }));
    await world.clock.advance(290);
    expect(request.code).toBeUndefined();
    await world.clock.advance(30);
    expect(request.code).toBe("ERR_OUTCOME_UNKNOWN");
    expect(aborted).toBe(true);
  });

  test("a request that times out before its channel could be opened did not run, and never does", async () => {
    await pair();
    let runs = 0;
    b.messenger.handle("late", () => {
      runs += 1;
    });
    world.network.cut("a", "b");
    const request = outcomeOf(a.messenger.request(to(b, "late"), 1, { timeoutMs: 200 }));
    await world.clock.advance(300);
    expect(request.code).toBe("ERR_TIMEOUT");
    world.network.heal();
    await world.clock.advance(3_000);
    expect(runs).toBe(0);
  });

  test("send waits above the high-water mark, trySend says full above the limit, and both go on when there is room", async () => {
    await pair();
    const received = numbersAt(b);
    const chunk = new Uint8Array(256 * 1024);
    await a.messenger.send(to(b), chunk);
    await world.clock.advance(100);
    world.network.cut("a", "b");
    let accepted = 0;
    while (a.messenger.trySend(to(b), chunk) === "accepted") accepted += 1;
    expect(accepted).toBeGreaterThanOrEqual(31);
    expect(accepted).toBeLessThanOrEqual(33);
    const waiting = outcomeOf(a.messenger.send(to(b), chunk).then(() => "sent"));
    await world.clock.advance(100);
    expect(waiting).toEqual({});
    world.network.heal();
    await world.clock.advance(500);
    expect(waiting.value).toBe("sent");
    expect(received).toHaveLength(accepted + 2);
    expect(a.messenger.trySend(to(b), chunk)).toBe("accepted");
  });

  test("sends that wait for room are bounded by their bytes too, not only by their number", async () => {
    await pair();
    await a.messenger.send(to(b), 1);
    await world.clock.advance(100);
    world.network.cut("a", "b");
    const chunk = new Uint8Array(1024 * 1024 - 128);
    const sends = Array.from({ length: 70 }, () => outcomeOf(a.messenger.send(to(b), chunk)));
    await world.clock.settle();
    const refused = sends.filter(({ code }) => code !== undefined);
    expect(refused.map(({ code }) => code)).toEqual(Array(3).fill("ERR_QUEUE_FULL"));
    world.network.heal();
    await world.clock.advance(2_000);
    expect(sends.filter((outcome) => "value" in outcome)).toHaveLength(67);
    const more = outcomeOf(a.messenger.send(to(b), chunk).then(() => "sent"));
    await world.clock.advance(100);
    expect(more.value).toBe("sent");
  });

  test("a node that leaves delivers its last messages before others are told that it left", async () => {
    await pair();
    const story: string[] = [];
    b.messenger.handle("test", ({ payload }) => void story.push(`message ${payload}`));
    b.membership.subscribe(({ type }) => void story.push(type));
    for (let i = 0; i < 3; i += 1) a.messenger.trySend(to(b), i);
    await world.clock.run(a.leave());
    await world.clock.advance(100);
    expect(story).toEqual(["message 0", "message 1", "message 2", "node-left"]);
  });

  test("after close no timer is pending and no connection is open", async () => {
    await pair();
    await a.messenger.send(to(b), 1);
    await world.clock.advance(100);
    await world.close();
    expect(world.network.openConnections).toBe(0);
    expect(world.clock.pendingTimers).toBe(0);
  });
});

describe("strangers", () => {
  test.each([
    ["16 handshakes at once from one address", 16, () => "stranger"],
    ["128 handshakes at once from all addresses", 128, (i: number) => `stranger-${i}`],
  ])(
    "hold at most %s; one more is refused, members are not disturbed",
    async (_what, max, host) => {
      await pair();
      b.messenger.handle("echo", ({ payload }) => payload);
      const { signal } = new AbortController();
      const answers: string[] = [];
      for (let i = 0; i <= max; i += 1) {
        const dialling = world.network.transport(host(i)).dial(b.address, { signal });
        const connection = await world.clock.run(dialling);
        connection.onFrame((frame) => void answers.push(new TextDecoder().decode(frame)));
      }
      await world.clock.advance(50);
      expect(answers).toEqual([expect.stringContaining("ERR_TOO_MANY_HANDSHAKES")]);
      const echo = outcomeOf(a.messenger.request(to(b, "echo"), 1, { timeoutMs: 10_000 }));
      await world.clock.advance(6_000);
      expect(echo.value).toBe(1);
      const counts = new Map(b.refusals().map(({ code, count }) => [code, count]));
      expect(counts.get("ERR_HANDSHAKE_TIMEOUT")).toBe(max);
      expect(a.membership.members()).toHaveLength(2);
    },
  );

  test("fill the log with one line for each code in 5 seconds, however often they knock", async () => {
    await pair();
    const signal = new AbortController().signal;
    world.logger.clear();
    for (let i = 0; i < 100; i += 1) {
      const dialling = world.network.transport("stranger").dial(b.address, { signal });
      (await world.clock.run(dialling)).send(new Uint8Array(8));
    }
    await world.clock.advance(100);
    expect(b.refusals()).toMatchObject([{ code: "ERR_HANDSHAKE_MALFORMED", count: 100 }]);
    const lines = world.logger.lines.filter(({ level }) => level === "warn");
    expect(lines.length).toBeGreaterThanOrEqual(1);
    expect(lines.length).toBeLessThanOrEqual(2);
  });
});

describe("a second process", () => {
  test("with the id of a live node is refused, both sides say so, and nothing else is disturbed", async () => {
    await pair();
    const changes: string[] = [];
    b.membership.subscribe(({ type }) => void changes.push(type));
    const clone = await world.start("z", { id: a.self.id, peers: [b.address] });
    await world.clock.advance(3_000);
    expect(clone.membership.members()).toHaveLength(1);
    expect(clone.refusals()).toMatchObject([{ code: "ERR_NODE_ID_CLASH", direction: "outbound" }]);
    expect(b.refusals()).toMatchObject([{ code: "ERR_NODE_ID_CLASH", direction: "inbound" }]);
    expect(
      world.logger.lines.some(
        ({ level, message }) => level === "error" && message.includes("same node id"),
      ),
    ).toBe(true);
    expect(changes).toEqual([]);
    expect(b.membership.member(a.self.id)?.boot).toBe(a.self.boot);
  });

  test("with the id of a node that answers no more takes its place after one second", async () => {
    await pair();
    const story: string[] = [];
    b.membership.subscribe(({ type, node }) => void story.push(`${type} ${node.name}`));
    world.network.cut("a", "b");
    const next = await world.start("z", { id: a.self.id, peers: [b.address] });
    await world.clock.advance(2_500);
    expect(b.membership.member(a.self.id)?.boot).toBe(next.self.boot);
    expect(story.filter((line) => line.startsWith("node-up"))).toEqual(["node-up z"]);
    expect(story.findIndex((line) => line === "node-down a")).toBeLessThan(
      story.indexOf("node-up z"),
    );
  });

  test("older than one that was seen is refused as stale, and its newer self is not disturbed", async () => {
    await pair();
    const older = { id: a.self.id, boot: createBoot(0, seededRandom("older")), name: "old" };
    const stale = await world.start("z", { identity: older, peers: [b.address] });
    await world.clock.advance(2_000);
    expect(stale.refusals()).toMatchObject([{ code: "ERR_STALE_BOOT", direction: "outbound" }]);
    expect(b.membership.member(a.self.id)?.boot).toBe(a.self.boot);
  });
});
