/** Byte streams between whole nodes on a virtual network whose connections break. */
import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import type { InboundStream } from "@foundation/core";
import type { Overlay } from "../../../../src/index.js";
import { FLOW } from "../../../../src/limits.js";
import { outcomeOf, VirtualOverlays } from "../../../support/virtual-overlays.js";

const KIB = 1024;
const CHANNELS = [{ name: "kept", delivery: "reliable" as const }];

let world: VirtualOverlays;
let a: Overlay;
let b: Overlay;

const to = (node: Overlay, channel = "data") => ({ to: node.self.id, channel, subject: "test" });

beforeEach(async () => {
  world = new VirtualOverlays();
  [a, b] = (await world.form(2, { channels: CHANNELS })) as [Overlay, Overlay];
});
afterEach(() => world.close());

/** A piece of the test's pattern each millisecond; says how far it is and whether it was ended. */
function source(pieces: number, pieceBytes = 10 * KIB) {
  const state = { bytes: 0, ended: false };
  async function* generate() {
    try {
      for (let i = 0; i < pieces; i += 1) {
        await world.clock.sleep(1);
        const piece = new Uint8Array(pieceBytes);
        for (let j = 0; j < pieceBytes; j += 1) piece[j] = patternAt(state.bytes + j);
        state.bytes += pieceBytes;
        yield piece;
      }
    } finally {
      state.ended = true;
    }
  }
  return { state, pieces: generate() };
}

function patternAt(at: number): number {
  return (at * 31 + (at >>> 10)) & 0xff;
}

/** Reads the streams of a node, slowly if told; keeps what became of each. */
function consume(node: Overlay, pauseMs = 0) {
  const seen: { bytes: number; wrong: number; code?: string; reason?: unknown; done?: true }[] = [];
  node.messenger.handleStream("test", async (stream) => {
    const one: (typeof seen)[number] = { bytes: 0, wrong: 0 };
    seen.push(one);
    try {
      for await (const piece of stream) {
        for (const byte of piece) {
          if (byte !== patternAt(one.bytes)) one.wrong += 1;
          one.bytes += 1;
        }
        if (pauseMs > 0) await world.clock.sleep(pauseMs);
      }
      one.done = true;
      return one.bytes;
    } catch (error) {
      const { code, details } = error as { code: string; details: { reason: unknown } };
      Object.assign(one, { code, reason: details.reason });
      throw error;
    }
  });
  return seen;
}

describe("a stream on a lane that keeps nothing", () => {
  test("ends on both sides when its connection breaks, and the next one goes through", async () => {
    const seen = consume(b);
    const { state, pieces } = source(1_000);
    const sending = outcomeOf(a.messenger.stream(to(b), pieces));
    await world.clock.advance(200);
    expect(seen[0]?.bytes).toBeGreaterThan(0);
    world.network.sever("a", "b");
    await world.clock.advance(100);
    expect(sending.code).toBe("ERR_OUTCOME_UNKNOWN");
    expect(state.ended).toBe(true);
    expect(seen[0]).toMatchObject({
      code: "ERR_STREAM_BROKEN",
      reason: "connection-lost",
      wrong: 0,
    });
    await world.clock.advance(5_000);
    const next = outcomeOf(a.messenger.stream(to(b), source(20).pieces));
    await world.clock.advance(1_000);
    expect(next.value).toBe(200 * KIB);
  });
});

describe("a stream on a reliable lane", () => {
  test("goes on over connections that break, every byte once and in order", async () => {
    const seen = consume(b);
    const sending = outcomeOf(a.messenger.stream(to(b, "kept"), source(600).pieces));
    for (let i = 0; i < 8; i += 1) {
      await world.clock.advance(53 + 17 * i);
      world.network.sever("a", "b");
    }
    await world.clock.advance(10_000);
    expect(sending.value).toBe(6_000 * KIB);
    expect(seen).toEqual([{ bytes: 6_000 * KIB, wrong: 0, done: true }]);
  });

  test("is not stuck when the credit that was on its way is lost with a connection", async () => {
    // The consumer is the slow one, so that the sender waits for credit nearly always.
    const seen = consume(b, 20);
    const sending = outcomeOf(a.messenger.stream(to(b, "kept"), source(40, 64 * KIB).pieces));
    for (let i = 0; i < 12; i += 1) {
      await world.clock.advance(40);
      world.network.sever("a", "b");
      await world.clock.advance(200);
    }
    await world.clock.advance(10_000);
    expect(sending.value).toBe(2_560 * KIB);
    expect(seen[0]).toMatchObject({ wrong: 0, done: true });
  });

  test("ends its source when the consumer leaves while there is no connection", async () => {
    const leave = { now: false };
    b.messenger.handleStream("test", async (stream) => {
      for await (const piece of stream) if (leave.now || piece.length === 0) break;
      await world.clock.sleep(10_000);
      return "enough";
    });
    const { state, pieces } = source(100_000);
    const sending = outcomeOf(a.messenger.stream(to(b, "kept"), pieces));
    await world.clock.advance(100);
    leave.now = true;
    world.network.sever("a", "b");
    await world.clock.advance(5_000);
    expect(state.ended).toBe(true);
    expect(sending).toEqual({});
    await world.clock.advance(20_000);
    expect(sending.value).toBe("enough");
  });

  test("ends on both sides when the nodes held each other for down, and the next one goes through", async () => {
    const seen = consume(b);
    const { state, pieces } = source(100_000);
    const sending = outcomeOf(a.messenger.stream(to(b, "kept"), pieces));
    await world.clock.advance(200);
    world.network.cut("a", "b");
    await world.clock.advance(40_000);
    expect(a.membership.members()).toHaveLength(1);
    expect(sending.code).toBe("ERR_OUTCOME_UNKNOWN");
    expect(state.ended).toBe(true);
    expect(seen[0]).toMatchObject({ code: "ERR_STREAM_BROKEN", reason: "connection-lost" });
    world.network.heal();
    await world.clock.advance(60_000);
    expect(a.membership.members()).toHaveLength(2);
    const next = outcomeOf(a.messenger.stream(to(b, "kept"), source(20).pieces));
    await world.clock.advance(2_000);
    expect(next.value).toBe(200 * KIB);
    expect(seen.map(({ done, code }) => done ?? code)).toEqual(["ERR_STREAM_BROKEN", true]);
  });

  test("does not wait for ever when only the receiver held the sender for down", async () => {
    const seen = consume(b);
    const { state, pieces } = source(100_000);
    const sending = outcomeOf(a.messenger.stream(to(b, "kept"), pieces));
    await world.clock.advance(200);
    world.network.cut("a", "b", { oneWay: true });
    await world.clock.advance(60_000);
    world.network.heal();
    await world.clock.advance(120_000);
    expect(sending.code).toBeDefined();
    expect(state.ended).toBe(true);
    expect(seen[0]?.code).toBe("ERR_STREAM_BROKEN");
  });
});

describe("a stream whose node ends", () => {
  test("breaks for its consumer when its sender starts anew, with a newer boot", async () => {
    const seen = consume(b);
    void a.messenger.stream(to(b, "kept"), source(100_000).pieces).catch(() => {});
    await world.clock.advance(200);
    world.network.crash("a");
    void a.close();
    const again = world.start("a", { id: a.self.id, peers: [b.address], channels: CHANNELS });
    await again;
    await world.clock.advance(10_000);
    expect(seen[0]).toMatchObject({ code: "ERR_STREAM_BROKEN", reason: "connection-lost" });
  });

  test("has an unknown outcome when its receiver starts anew", async () => {
    consume(b);
    const { state, pieces } = source(100_000);
    const sending = outcomeOf(a.messenger.stream(to(b, "kept"), pieces));
    await world.clock.advance(200);
    world.network.crash("b");
    void b.close();
    await world.start("b", { id: b.self.id, peers: [a.address], channels: CHANNELS });
    await world.clock.advance(10_000);
    expect(sending.code).toBe("ERR_OUTCOME_UNKNOWN");
    expect(state.ended).toBe(true);
  });

  test("ends on both sides when either node closes", async () => {
    const atA = consume(a);
    const atB = consume(b);
    const [out, back] = [source(100_000), source(100_000)];
    const sending = outcomeOf(a.messenger.stream(to(b), out.pieces));
    const receiving = outcomeOf(b.messenger.stream(to(a), back.pieces));
    await world.clock.advance(200);
    await world.clock.run(a.close());
    await world.clock.advance(10_000);
    expect(sending.code).toBe("ERR_OUTCOME_UNKNOWN");
    expect(receiving.code).toBe("ERR_OUTCOME_UNKNOWN");
    expect([out.state.ended, back.state.ended]).toEqual([true, true]);
    expect([atA[0]?.code, atB[0]?.code]).toEqual(["ERR_STREAM_BROKEN", "ERR_STREAM_BROKEN"]);
  });
});

describe("many streams", () => {
  test("to one node are at most streamsMax; the next is refused, and there is room when one ends", async () => {
    const ends: (() => void)[] = [];
    b.messenger.handleStream("test", () => new Promise<void>((resolve) => ends.push(resolve)));
    const streams = Array.from({ length: FLOW.streamsMax }, () =>
      outcomeOf(a.messenger.stream(to(b), [])),
    );
    await world.clock.advance(100);
    expect(ends).toHaveLength(FLOW.streamsMax);
    const refused = outcomeOf(a.messenger.stream(to(b), []));
    await world.clock.advance(100);
    expect(refused.code).toBe("ERR_QUEUE_FULL");
    ends[0]?.();
    await world.clock.advance(100);
    const admitted = outcomeOf(a.messenger.stream(to(b), []));
    await world.clock.advance(100);
    expect(ends).toHaveLength(FLOW.streamsMax + 1);
    for (const end of ends) end();
    await world.clock.advance(100);
    expect(streams.every((stream) => "value" in stream)).toBe(true);
    expect(admitted).toHaveProperty("value");
  });

  test("that nobody reads hold up neither the messages of their lane nor a stream that is read", async () => {
    const stalled: InboundStream[] = [];
    b.messenger.handleStream("stalled", (stream) => {
      stalled.push(stream);
      return new Promise(() => {});
    });
    const seen = consume(b);
    b.messenger.handle("echo", ({ payload }) => payload);
    const ends = new AbortController();
    for (let i = 0; i < 20; i += 1) {
      const route = { ...to(b), subject: "stalled" };
      const sending = a.messenger.stream(route, source(1_000, 64 * KIB).pieces, {
        signal: ends.signal,
      });
      void sending.catch(() => {});
    }
    await world.clock.advance(500);
    expect(stalled).toHaveLength(20);
    const echoed = outcomeOf(a.messenger.request({ ...to(b), subject: "echo" }, "hello"));
    const read = outcomeOf(a.messenger.stream(to(b), source(100).pieces));
    await world.clock.advance(2_000);
    expect(echoed.value).toBe("hello");
    expect(read.value).toBe(1_000 * KIB);
    expect(seen[0]?.wrong).toBe(0);
    ends.abort();
    await world.clock.advance(100);
    expect(stalled.every(({ signal }) => signal.aborted)).toBe(true);
  });
});

describe("the window of a stream", () => {
  test("grows on a long way, so that the round trip does not bound the rate", async () => {
    await world.close();
    world = new VirtualOverlays("wan", 50, 0);
    [a, b] = (await world.form(2)) as [Overlay, Overlay];
    await world.clock.advance(5_000);
    const seen = consume(b);
    const whole = new Uint8Array(8 * 1024 * KIB);
    const startMs = world.clock.now();
    let tookMs = 0;
    const sending = a.messenger.stream(to(b), [whole]).then((value) => {
      tookMs = world.clock.now() - startMs;
      return value;
    });
    const outcome = outcomeOf(sending);
    await world.clock.advance(30_000);
    expect(outcome.value).toBe(whole.length);
    expect(seen[0]?.done).toBe(true);
    // 32 windows of 256 KiB in turn would take 32 round trips: 3.2 s. The virtual connections carry
    // FLOW.socketBytesMax at once, which is 1.6 s.
    expect(tookMs).toBeLessThan(2_500);
  });

  test("stays at its initial size on a short way", async () => {
    await world.close();
    world = new VirtualOverlays("loopback", 0.1, 0);
    [a, b] = (await world.form(2)) as [Overlay, Overlay];
    let stream: InboundStream | undefined;
    const state = { taken: 0 };
    const gate = { open: false };
    b.messenger.handleStream("test", async (inbound) => {
      stream = inbound;
      for await (const piece of inbound) {
        state.taken += piece.length;
        while (!gate.open && state.taken > 8_000 * KIB) await world.clock.sleep(1);
      }
    });
    const endless = source(Number.POSITIVE_INFINITY, 64 * KIB);
    const abort = new AbortController();
    void a.messenger.stream(to(b), endless.pieces, { signal: abort.signal }).catch(() => {});
    await world.clock.advance(1_000);
    expect(stream).toBeDefined();
    expect(endless.state.bytes - state.taken).toBeLessThanOrEqual(2 * FLOW.streamWindowBytes);
    abort.abort();
    gate.open = true;
    await world.clock.advance(10);
  });
});
