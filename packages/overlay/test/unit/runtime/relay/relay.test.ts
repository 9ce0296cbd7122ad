import { describe, expect, test } from "@jest/globals";
import type { Connection, ConnectionEnd } from "@foundation/core";
import {
  breakFrame,
  creditFrame,
  openFrame,
  RelayType,
  writeDataHead,
} from "../../../../src/protocol/relay/frames.js";
import { relayLimits } from "../../../../src/protocol/relay/limits.js";
import { collect, frameOf, idOf, numberIn, RelayNodes } from "./relay-nodes.js";

const KIB = 1024;
const CHAIN = ["a", "r", "s", "b"] as const;

function chained(choice = {}): RelayNodes {
  const nodes = new RelayNodes();
  nodes.chain(CHAIN, choice);
  return nodes;
}

/** How it ended, once it has; undefined before. */
function endOf(connection: Connection): () => ConnectionEnd | undefined {
  let end: ConnectionEnd | undefined;
  void connection.closed.then((ended) => {
    end = ended;
  });
  return () => end;
}

const counted = (nodes: RelayNodes, name: string, instrument: string) =>
  nodes.node(name).meter.snapshot().get(instrument) ?? 0;

describe("a relayed connection whose way breaks", () => {
  for (const [from, to] of [
    ["a", "r"],
    ["r", "s"],
    ["s", "b"],
  ] as const) {
    test(`between ${from} and ${to} ends as lost at both ends, and nobody remembers it`, async () => {
      const nodes = chained();
      const [dialer, acceptor] = await nodes.connect(...CHAIN);
      const ends = [endOf(dialer), endOf(acceptor)];
      nodes.cut(from, to);
      await nodes.clock.advance(20);
      expect(ends.map((end) => end()?.reason)).toEqual(["lost", "lost"]);
      for (const { relay } of nodes.all) expect(relay.stats()).toMatchObject({ ends: 0, hops: 0 });
    });
  }

  test("and that its sender finds out first ends as lost too", async () => {
    const nodes = chained();
    const [dialer, acceptor] = await nodes.connect(...CHAIN);
    const ends = [endOf(dialer), endOf(acceptor)];
    nodes.cutUntold("r", "s");
    dialer.send(frameOf(1));
    await nodes.clock.advance(20);
    expect(ends.map((end) => end()?.reason)).toEqual(["lost", undefined]);
    nodes.node("s").relay.linkDown(nodes.node("r").id);
    await nodes.clock.advance(20);
    expect(ends[1]?.()?.reason).toBe("lost");
  });

  test("says which node lost its link", async () => {
    const nodes = chained();
    const [dialer] = await nodes.connect(...CHAIN);
    nodes.cut("s", "b");
    const { detail } = await nodes.clock.run(dialer.closed);
    expect(detail).toContain(nodes.node("s").id);
  });

  test("gives back the memory of what it had not sent", async () => {
    const nodes = chained();
    const [dialer] = await nodes.connect(...CHAIN);
    nodes.stop("r", "s");
    let released = 0;
    for (let i = 0; i < 20; i += 1) dialer.send(frameOf(i, 64 * KIB), () => (released += 1));
    await nodes.clock.advance(20);
    expect(released).toBeLessThan(20);
    nodes.cut("r", "s");
    await nodes.clock.advance(20);
    expect([released, dialer.bufferedBytes]).toEqual([20, 0]);
  });
});

describe("a slow hop", () => {
  test("holds up its sender, and keeps no more than a window anywhere", async () => {
    const nodes = chained();
    const [dialer, acceptor] = await nodes.connect(...CHAIN);
    const received = collect(acceptor);
    nodes.stop("s", "b");
    for (let i = 0; i < 100; i += 1) dialer.send(frameOf(i, 60 * KIB));
    await nodes.clock.advance(200);
    expect(dialer.bufferedBytes).toBeGreaterThan(5_000 * KIB);
    expect(nodes.way("s", "b").queuedBytes).toBeGreaterThan(200 * KIB);
    for (const [from, to] of [
      ["a", "r"],
      ["r", "s"],
      ["s", "b"],
    ] as const)
      expect(nodes.way(from, to).queuedBytesPeak).toBeLessThanOrEqual(
        relayLimits.windowBytes + KIB,
      );
    nodes.goOn("s", "b");
    await nodes.clock.run(dialer.drained(0));
    await nodes.clock.advance(20);
    expect(received.map(numberIn)).toEqual(Array.from({ length: 100 }, (_, i) => i));
  });

  test("and a receiver that takes nothing hold up no other connection over the same links", async () => {
    const nodes = chained();
    const [slow, slowEnd] = await nodes.connect(...CHAIN);
    const [quick, quickEnd] = await nodes.connect(...CHAIN);
    slowEnd.pause();
    for (let i = 0; i < 50; i += 1) slow.send(frameOf(i, 100 * KIB));
    await nodes.clock.advance(50);
    const received = collect(quickEnd);
    for (let i = 0; i < 50; i += 1) quick.send(frameOf(i, 100 * KIB));
    await nodes.clock.run(quick.drained(0));
    await nodes.clock.advance(50);
    expect(received).toHaveLength(50);
    expect(slow.bufferedBytes).toBeGreaterThan(4_000 * KIB);
    const held = nodes.node("b").relay.stats().undeliveredBytes;
    expect(held).toBeGreaterThan(0);
    expect(held).toBeLessThanOrEqual(relayLimits.windowBytes);
  });

  test("ends a sender that goes on and on at its named limit", async () => {
    const nodes = chained({ limits: { sendBytesMax: 300 * KIB } });
    const [dialer, acceptor] = await nodes.connect(...CHAIN);
    const [end, otherEnd] = [endOf(dialer), endOf(acceptor)];
    acceptor.pause();
    for (let i = 0; i < 30; i += 1) dialer.send(frameOf(i, 64 * KIB));
    await nodes.clock.advance(20);
    expect([end()?.reason, otherEnd()?.reason]).toEqual(["timeout", "timeout"]);
  });

  test("that is not relieved though its receiver lets more come ends what passes over it", async () => {
    // A receiver that lies about what it has taken: the link to it does not move, and it asks for more.
    const queuedBytesMax = 400 * KIB;
    const nodes = chained({ limits: { queuedBytesMax } });
    const [dialer] = await nodes.connect(...CHAIN);
    const end = endOf(dialer);
    nodes.stop("s", "b");
    const number = Number.parseInt(dialer.remote.split(":")[1] ?? "", 16);
    for (let i = 0; i < 40; i += 1) dialer.send(frameOf(i, 60 * KIB));
    await nodes.clock.advance(10);
    for (let total = 300 * KIB; total < 1_000 * KIB; total += 64 * KIB) {
      nodes.forge("b", "s", creditFrame(number, total));
      await nodes.clock.advance(10);
    }
    expect(end()).toMatchObject({ reason: "lost" });
    expect(end()?.detail).toContain("get rid of");
    expect(nodes.way("s", "b").queuedBytesPeak).toBeLessThanOrEqual(queuedBytesMax + 33 * KIB);
  });
});

describe("a node that is asked to relay", () => {
  test("refuses by reason: no link, too many, too fast, not at all", async () => {
    const nodes = chained({ limits: { relayedMax: 2, opensPerSecondMax: 4 } });
    nodes.add("lonely");
    const refusal = async (...names: readonly string[]) => {
      const outcome = await nodes.open(...names);
      return outcome.type === "failed" ? [outcome.reason, outcome.by] : "opened";
    };
    const [r, s] = [nodes.node("r").id, nodes.node("s").id];
    expect(await refusal("a", "r", "lonely")).toEqual(["no-link", r]);
    expect(await refusal(...CHAIN)).toBe("opened");
    expect(await refusal(...CHAIN)).toBe("opened");
    expect(await refusal(...CHAIN)).toEqual(["relay-full", r]);
    expect(await refusal(...CHAIN)).toEqual(["too-many-opens", r]);
    await nodes.clock.advance(1_000);
    nodes.node("r").relay.close();
    expect(await refusal(...CHAIN)).toEqual(["not-accepting", r]);
    expect(counted(nodes, "r", 'overlay_relay_opens_total{outcome="relay-full"}')).toBe(1);

    const clients = new RelayNodes();
    for (const name of CHAIN) clients.add(name, { passesOn: name !== "s" });
    for (const [from, to] of [
      ["a", "r"],
      ["r", "s"],
      ["s", "b"],
    ] as const)
      clients.link(from, to);
    expect(await clients.open(...CHAIN)).toMatchObject({ reason: "not-accepting", by: s });
    // A client still has connections of its own.
    expect(await clients.open("a", "r", "s")).toMatchObject({ type: "opened" });
  });

  test("leaves room for other neighbours", async () => {
    const nodes = new RelayNodes();
    for (const name of ["a", "c", "r", "b"])
      nodes.add(name, { limits: { relayedPerNeighborMax: 3 } });
    for (const name of ["a", "c", "b"]) nodes.link(name, "r");
    for (let i = 0; i < 2; i += 1) await nodes.connect("a", "r", "b");
    await nodes.connect("a", "r", "c");
    expect(await nodes.open("a", "r", "c")).toMatchObject({ reason: "relay-full" });
    await nodes.connect("c", "r", "b");
    expect(await nodes.open("c", "r", "b")).toMatchObject({ reason: "relay-full" });
  });

  test("takes an open again without opening twice, and never after the end", async () => {
    const nodes = chained();
    const opens: Uint8Array[] = [];
    const relay = nodes.node("r").relay;
    const receive = relay.receive.bind(relay);
    relay.receive = (from, frame) => {
      if (frame[0] === RelayType.open) opens.push(frame);
      receive(from, frame);
    };
    const [dialer, acceptor] = await nodes.connect(...CHAIN);
    const open = opens[0] as Uint8Array;
    for (const [from, to] of [
      ["a", "r"],
      ["r", "s"],
      ["s", "b"],
    ] as const)
      nodes.forge(from, to, open);
    await nodes.clock.advance(20);
    expect(nodes.node("b").accepted).toHaveLength(1);
    const received = collect(acceptor);
    dialer.send(frameOf(7));
    await nodes.clock.advance(20);
    expect(received.map(numberIn)).toEqual([7]);
    expect(counted(nodes, "b", 'overlay_relay_opens_total{outcome="repeated"}')).toBe(1);
    dialer.close();
    await nodes.clock.run(acceptor.closed);
    nodes.forge("s", "b", open);
    await nodes.clock.advance(20);
    expect(nodes.node("b").accepted).toHaveLength(1);
    expect(counted(nodes, "b", 'overlay_relay_opens_total{outcome="taken"}')).toBe(1);
  });

  test("forgets a connection that nobody accepts once its origin gives it up", async () => {
    const nodes = chained();
    nodes.stop("s", "b");
    expect(await nodes.open(...CHAIN)).toMatchObject({ type: "failed", reason: "timeout" });
    await nodes.clock.advance(20);
    for (const name of ["a", "r", "s"])
      expect(nodes.node(name).relay.stats()).toMatchObject({ ends: 0, hops: 0 });
    nodes.goOn("s", "b");
    await nodes.clock.advance(20);
    expect(nodes.node("b").relay.stats().ends).toBe(0);
  });
});

describe("garbage from a member", () => {
  test("is counted and changes nothing that does not lead over it", async () => {
    const nodes = chained();
    const [dialer, acceptor] = await nodes.connect(...CHAIN);
    nodes.add("mallory");
    nodes.link("mallory", "s");
    const number = Number.parseInt(dialer.remote.split(":")[1] ?? "", 16);
    const broken = { reason: "lost", refusal: undefined, index: 1 } as const;
    const forged = new Uint8Array(100);
    writeDataHead(forged, number);
    const open = (...names: readonly string[]) =>
      openFrame({ connection: 9, windowBytes: 256 * KIB, route: names.map(idOf) });
    for (const frame of [
      new Uint8Array(0),
      new Uint8Array(7),
      new Uint8Array(64 * KIB),
      forged,
      breakFrame(number, broken),
      creditFrame(number, 2 ** 40),
      // Not from the node before it, over itself twice, not over this node at all.
      open("a", "r", "s", "b"),
      open("mallory", "s", "b", "s"),
      open("mallory", "a", "b"),
      open("s", "mallory"),
    ])
      nodes.forge("mallory", "s", frame);
    await nodes.clock.advance(20);
    const received = collect(acceptor);
    dialer.send(frameOf(3));
    await nodes.clock.advance(20);
    expect(received.map(numberIn)).toEqual([3]);
    expect(counted(nodes, "s", 'overlay_relay_dropped_total{what="garbage"}')).toBe(10);
  });

  for (const [what, forge] of [
    ["credit that is not there", (n: number) => creditFrame(n, 2 ** 40)],
    ["credit that takes some back", (n: number) => creditFrame(n, 1)],
    ["a cut off part", (n: number) => Uint8Array.of(RelayType.part, 0, ...numberBytes(n), 1)],
  ] as const) {
    test(`such as ${what} ends the connection it names, at both ends`, async () => {
      const nodes = chained();
      const [dialer, acceptor] = await nodes.connect(...CHAIN);
      const [other] = await nodes.connect(...CHAIN);
      const ends = [endOf(dialer), endOf(acceptor)];
      const otherEnd = endOf(other);
      const number = Number.parseInt(dialer.remote.split(":")[1] ?? "", 16);
      nodes.forge("r", "s", forge(number));
      await nodes.clock.advance(20);
      expect(ends.map((end) => end()?.reason)).toEqual(["protocol", "protocol"]);
      expect(otherEnd()).toBeUndefined();
    });
  }

  test("of a type that nobody knows yet is dropped, and the connection lives", async () => {
    const nodes = chained();
    const [dialer, acceptor] = await nodes.connect(...CHAIN);
    const number = Number.parseInt(dialer.remote.split(":")[1] ?? "", 16);
    const frame = Uint8Array.of(99, 0, ...numberBytes(number), 1, 2, 3);
    nodes.forge("r", "s", frame);
    nodes.forge("s", "b", frame);
    const received = collect(acceptor);
    dialer.send(frameOf(3));
    await nodes.clock.advance(20);
    expect(received).toHaveLength(1);
    expect(counted(nodes, "s", 'overlay_relay_dropped_total{what="unknown-type"}')).toBe(1);
  });

  test("for connections that nobody knows is answered a bounded number of times", async () => {
    const nodes = chained();
    const frame = new Uint8Array(20);
    for (let i = 0; i < 500; i += 1) {
      writeDataHead(frame, i);
      nodes.forge("r", "s", frame);
    }
    expect(nodes.way("s", "r").sentFrames).toBe(relayLimits.strayAnswersPerSecondMax);
    await nodes.clock.advance(20);
    expect(counted(nodes, "s", 'overlay_relay_dropped_total{what="stray"}')).toBe(500);
  });
});

describe("the end of a relayed connection", () => {
  test("tells the other side why", async () => {
    const nodes = chained();
    const [dialer, acceptor] = await nodes.connect(...CHAIN);
    dialer.close({ reason: "refused", detail: "ERR_WRONG_SECRET ".padEnd(300, "é") });
    const end = await nodes.clock.run(acceptor.closed);
    expect(end.reason).toBe("refused");
    expect(end.detail.startsWith("ERR_WRONG_SECRET éé")).toBe(true);
    expect(Buffer.byteLength(end.detail)).toBeLessThanOrEqual(relayLimits.detailBytesMax);
    expect((await nodes.clock.run(dialer.closed)).reason).toBe("refused");
  });

  test("waits for a paused receiver, but not for ever", async () => {
    const nodes = chained();
    const [dialer, acceptor] = await nodes.connect(...CHAIN);
    acceptor.pause();
    dialer.send(frameOf(1));
    dialer.close();
    const [end, otherEnd] = [endOf(dialer), endOf(acceptor)];
    await nodes.clock.advance(relayLimits.closeTimeoutMs - 100);
    expect([end(), otherEnd()]).toEqual([undefined, undefined]);
    await nodes.clock.advance(200);
    expect([end()?.reason, otherEnd()?.reason]).toEqual(["closed", "lost"]);
  });

  test("comes to a paused receiver when it goes on", async () => {
    const nodes = chained();
    const [dialer, acceptor] = await nodes.connect(...CHAIN);
    const received = collect(acceptor);
    const end = endOf(acceptor);
    const resume = acceptor.pause();
    dialer.close();
    await nodes.clock.advance(20);
    expect(end()).toBeUndefined();
    resume();
    await nodes.clock.advance(20);
    expect([end()?.reason, received.length]).toEqual(["closed", 0]);
  });

  test("is not held up by what its own side does not take any more", async () => {
    const nodes = chained();
    const [dialer, acceptor] = await nodes.connect(...CHAIN);
    const received = collect(acceptor);
    const resume = acceptor.pause();
    for (let i = 0; i < 20; i += 1) dialer.send(frameOf(i, 100 * KIB));
    await nodes.clock.advance(20);
    const ends = [endOf(dialer), endOf(acceptor)];
    acceptor.close();
    resume();
    await nodes.clock.advance(500);
    expect(ends.map((end) => end()?.reason)).toEqual(["closed", "closed"]);
    // Nothing was delivered behind what was dropped.
    expect(received).toEqual([]);
  });

  test("of a node ends its own connections and those that pass through it", async () => {
    const nodes = chained();
    const [dialer, acceptor] = await nodes.connect(...CHAIN);
    const [toRelay] = await nodes.connect("a", "r");
    const ends = [endOf(dialer), endOf(acceptor), endOf(toRelay)];
    nodes.node("r").relay.close();
    nodes.node("r").relay.close();
    await nodes.clock.advance(20);
    expect(ends.map((end) => end()?.reason)).toEqual(["lost", "lost", "closed"]);
    for (const { relay } of nodes.all) expect(relay.stats()).toMatchObject({ ends: 0, hops: 0 });
  });
});

describe("a node with as many relayed connections as it may have", () => {
  test("refuses further ones, its own and those of others, until one has ended", async () => {
    const nodes = chained({ limits: { connectionsMax: 2 } });
    const [first] = await nodes.connect(...CHAIN);
    await nodes.connect(...CHAIN);
    expect(await nodes.open(...CHAIN)).toMatchObject({
      reason: "too-many-connections",
      by: nodes.node("a").id,
    });
    expect(await nodes.open("s", "b")).toMatchObject({
      reason: "too-many-connections",
      by: nodes.node("b").id,
    });
    first.close();
    await nodes.clock.run(first.closed);
    await nodes.connect(...CHAIN);
  });
});

test("a route of twelve hops carries frames of every size both ways", async () => {
  const nodes = new RelayNodes();
  const names = Array.from({ length: 13 }, (_, i) => `n${i}`);
  nodes.chain(names);
  const [dialer, acceptor] = await nodes.connect(...names);
  const sizes = [4, 32 * KIB - 8, 32 * KIB - 7, 40 * KIB, relayLimits.frameBytesMax];
  for (const [from, to] of [
    [dialer, acceptor],
    [acceptor, dialer],
  ] as const) {
    const received = collect(to);
    for (const [i, size] of sizes.entries()) from.send(frameOf(i, size));
    await nodes.clock.advance(200);
    expect(
      received.map((frame) => Buffer.from(frame).equals(frameOf(numberIn(frame), frame.length))),
    ).toEqual(sizes.map(() => true));
    expect(received.map(({ length }) => length)).toEqual(sizes);
  }
});

function numberBytes(number: number): number[] {
  return [0, 1, 2, 3, 4, 5].map((i) => Math.floor(number / 256 ** i) % 256);
}
