import { expect, test } from "@jest/globals";
import { createKeyRing } from "@foundation/core";
import { seededRandom, virtualClock, type VirtualClock } from "@foundation/core/testing";
import { discoverByGossip } from "../../../src/gossip/gossip-discovery.js";
import { gossip, settingsOf } from "../../../src/gossip/gossip.js";
import { secretReader } from "../../../src/lan/secrets.js";
import { LanNode } from "../../support/lan-node.js";
import { MemoryLan, type MemoryHost } from "../../support/memory-lan.js";

interface World {
  readonly clock: VirtualClock;
  readonly lan: MemoryLan;
  start(
    name: string,
    host: MemoryHost,
    more?: Partial<ConstructorParameters<typeof LanNode>[4]>,
  ): LanNode;
}

function world(seed = "gossip"): World {
  const clock = virtualClock();
  const lan = new MemoryLan(clock, seededRandom(seed));
  const settings = settingsOf({});
  const start: World["start"] = (name, host, more) => {
    const address = `ws://${host.paths[0]?.address ?? "10.0.0.99"}:4100`;
    return new LanNode(
      name,
      clock,
      address,
      (context) => discoverByGossip(host, settings, secretReader(undefined, context), context),
      more,
    );
  };
  return { clock, lan, start };
}

test("a newcomer is seen, and sees those who are there, within 50 ms", async () => {
  const { clock, lan, start } = world();
  const [a, b] = [start("a", lan.host("10.0.0.1")), start("b", lan.host("10.0.0.2"))];
  await clock.advance(5_000);
  const c = start("c", lan.host("10.0.0.3"));
  await clock.advance(50);
  expect(c.peers).toEqual([a.address, b.address]);
  expect(a.peers).toEqual([b.address, c.address]);
  expect([a, b, c].flatMap(({ problems }) => problems)).toEqual([]);
});

test("a node alone offers an empty set after a quarter of a second", async () => {
  const { clock, lan, start } = world();
  const a = start("a", lan.host("10.0.0.1"));
  await clock.advance(240);
  expect(a.sets).toEqual([]);
  await clock.advance(20);
  expect(a.sets).toEqual([{ source: "gossip", peers: [] }]);
});

test("who says goodbye is gone at once; who just stops is gone after five intervals", async () => {
  const { clock, lan, start } = world();
  const [ha, hb, hc] = [lan.host("10.0.0.1"), lan.host("10.0.0.2"), lan.host("10.0.0.3")];
  const [a, b, c] = [start("a", ha), start("b", hb), start("c", hc)];
  await clock.advance(1_000);
  await b.stop();
  await clock.advance(10);
  expect(a.peers).toEqual([c.address]);
  hc.move();
  await clock.advance(9_000);
  expect(a.peers).toEqual([c.address]);
  await clock.advance(5_000);
  expect(a.peers).toEqual([]);
});

test("a draining node says so at once, and to newcomers", async () => {
  const { clock, lan, start } = world();
  const [a, b] = [start("a", lan.host("10.0.0.1")), start("b", lan.host("10.0.0.2"))];
  await clock.advance(100);
  b.drain();
  await clock.advance(10);
  expect(a.sets.at(-1)?.peers).toMatchObject([{ address: b.address, draining: true }]);
  const c = start("c", lan.host("10.0.0.3"));
  await clock.advance(100);
  expect(c.sets.at(-1)?.peers).toMatchObject([{ address: a.address }, { draining: true }]);
});

test("with another secret nobody is found, and each says once what to set", async () => {
  const { clock, lan, start } = world();
  const a = start("a", lan.host("10.0.0.1"));
  const b = start("b", lan.host("10.0.0.2"), { secrets: ["another secret"] });
  await clock.advance(60_000);
  for (const node of [a, b]) {
    expect(node.peers).toEqual([]);
    expect(node.codes).toEqual(["ERR_LAN_STRANGER"]);
    expect(node.problems[0]?.message).toContain("FOUNDATION_SECRET");
  }
});

test("another cluster with the same secret is another world", async () => {
  const { clock, lan, start } = world();
  const a = start("a", lan.host("10.0.0.1"));
  start("b", lan.host("10.0.0.2"), { cluster: "another" });
  await clock.advance(5_000);
  expect(a.peers).toEqual([]);
});

test("without a secret nothing is announced, and the node says what to set; with one it begins", async () => {
  const { clock, lan, start } = world();
  const secrets: string[] = [];
  const a = start("a", lan.host("10.0.0.1"));
  const b = start("b", lan.host("10.0.0.2"), { secrets });
  await clock.advance(5_000);
  expect(lan.sent.some(({ from }) => from === "10.0.0.2")).toBe(false);
  expect(b.codes).toEqual(["ERR_LAN_SECRET_MISSING", "ERR_LAN_STRANGER"]);
  secrets.push("a secret");
  await clock.advance(5_000);
  expect(a.peers).toEqual([b.address]);
  expect(b.peers).toEqual([a.address]);
});

test("secrets are exchanged in three rounds without anybody being lost", async () => {
  const { clock, lan } = world();
  const rings = [1, 2, 3].map(() => createKeyRing("old"));
  const nodes = rings.map((ring, i) => {
    const host = lan.host(`10.0.0.${i}`);
    return new LanNode(`n${i}`, clock, `ws://10.0.0.${i}:4100`, (context) =>
      discoverByGossip(host, settingsOf({}), secretReader(ring, context), context),
    );
  });
  const rounds = [
    (ring: (typeof rings)[number]) => ring.add("new"),
    (ring: (typeof rings)[number]) => ring.use("new"),
    (ring: (typeof rings)[number]) => ring.remove("old"),
  ];
  await clock.advance(1_000);
  for (const round of rounds) {
    for (const ring of rings) {
      round(ring);
      await clock.advance(20_000);
    }
  }
  for (const node of nodes) {
    expect(node.sets.map(({ peers }) => peers.length).slice(-1)).toEqual([2]);
    expect(node.sets.filter(({ peers }) => peers.length < 2)).toHaveLength(node.sets.length - 1);
    expect(node.problems).toEqual([]);
  }
});

test("a recording of a node that is gone does not bring it back, also not to a node that has just started", async () => {
  const { clock, lan, start } = world();
  const a = start("a", lan.host("10.0.0.1"));
  const b = start("b", lan.host("10.0.0.2"));
  await clock.advance(10_000);
  await b.stop();
  const recorded = lan.sent.filter(({ from }) => from === "10.0.0.2");
  await clock.advance(200_000);
  const c = start("c", lan.host("10.0.0.3"));
  await clock.advance(1_000);
  for (const { datagram, port } of recorded) lan.inject("10.0.0.66", port, datagram);
  await clock.advance(5_000);
  expect(a.peers).toEqual([c.address]);
  expect(c.peers).toEqual([a.address]);
});

test("nodes whose clocks differ by an hour find each other all the same", async () => {
  const { clock, lan, start } = world();
  const late = Object.create(clock, {
    wallNow: { value: () => clock.wallNow() - 3_600_000 },
  }) as VirtualClock;
  lan.faults.loss = 0.3;
  const a = start("a", lan.host("10.0.0.1"));
  const b = start("b", lan.host("10.0.0.2"), {
    clock: {
      now: () => clock.now(),
      wallNow: () => late.wallNow(),
      setTimer: (ms, fn) => clock.setTimer(ms, fn),
      sleep: (ms, options) => clock.sleep(ms, options),
      endOfTurn: (fn) => clock.endOfTurn(fn),
    },
  });
  await clock.advance(15_000);
  expect(a.peers).toEqual([b.address]);
  expect(b.peers).toEqual([a.address]);
});

test("thirty nodes that start at once all find each other with a fifth of the datagrams lost, with few datagrams", async () => {
  const { clock, lan, start } = world();
  lan.faults.loss = 0.2;
  lan.faults.duplication = 0.1;
  lan.faults.delayMsMax = 20;
  const nodes = Array.from({ length: 30 }, (_, i) => start(`n${i}`, lan.host(`10.0.0.${i + 1}`)));
  await clock.advance(2_000);
  expect(nodes.filter(({ peers }) => peers.length === 29)).toHaveLength(30);
  // Three hellos of each, each answered by everybody, many in one datagram; about 16 are counted.
  expect(lan.sent.length).toBeLessThan(30 * 20);
  expect(nodes.flatMap(({ problems }) => problems)).toEqual([]);
});

test("a node that moves to another network is found there, under its new address", async () => {
  const { clock, lan, start } = world();
  const [ha, hb, hc] = [lan.host("10.0.0.1"), lan.host("10.0.0.2"), lan.host("192.168.7.3")];
  const a = start("a", ha);
  const b = start("b", hb, { listensOn: "0.0.0.0" });
  const c = start("c", hc);
  await clock.advance(1_000);
  expect(a.peers).toEqual(["ws://10.0.0.2:4100"]);
  hb.move("192.168.7.2");
  await clock.advance(100);
  expect(c.peers).toEqual(["ws://192.168.7.2:4100"]);
  expect(b.peers).toEqual([c.address, a.address].sort());
  await clock.advance(20_000);
  expect(b.peers).toEqual([c.address]);
});

test("a node with two interfaces is announced on each by the address that is reached there", async () => {
  const { clock, lan, start } = world();
  const b = start("b", lan.host("10.0.0.2", "192.168.7.2"), { listensOn: "0.0.0.0" });
  const [a, c] = [start("a", lan.host("10.0.0.1")), start("c", lan.host("192.168.7.3"))];
  await clock.advance(1_000);
  expect(a.peers).toEqual(["ws://10.0.0.2:4100"]);
  expect(c.peers).toEqual(["ws://192.168.7.2:4100"]);
  expect(b.peers).toEqual([a.address, c.address]);
});

test("a node that listens on loopback is not announced to others, and is told so", async () => {
  const { clock, lan } = world();
  const host = lan.host("10.0.0.1");
  const node = new LanNode("a", clock, "ws://127.0.0.1:4100", (context) =>
    discoverByGossip(host, settingsOf({}), secretReader(undefined, context), context),
  );
  await clock.advance(5_000);
  expect(lan.sent).toEqual([]);
  expect(node.codes).toEqual(["ERR_LAN_UNREACHABLE"]);
  expect(node.problems[0]?.message).toContain("FOUNDATION_HOST=0.0.0.0");
});

test("a flood is dropped unread and told once, and peers are found through it", async () => {
  const { clock, lan, start } = world();
  const a = start("a", lan.host("10.0.0.1"));
  await clock.advance(100);
  const flood = new Uint8Array(100);
  for (let i = 0; i < 3_000; i += 1) lan.inject("10.0.0.66", 45_892, flood);
  const b = start("b", lan.host("10.0.0.2"));
  await clock.advance(1_000);
  expect(a.peers).toEqual([b.address]);
  expect(a.codes).toEqual(["ERR_LAN_UNREADABLE", "ERR_LAN_FLOODED"]);
});

test("garbage, cut and changed datagrams change nothing", async () => {
  const { clock, lan, start } = world();
  const a = start("a", lan.host("10.0.0.1"));
  const b = start("b", lan.host("10.0.0.2"));
  await clock.advance(1_000);
  const [{ datagram, port }] = lan.sent.filter(({ from }) => from === "10.0.0.2") as [
    (typeof lan.sent)[number],
  ];
  for (let at = 0; at < datagram.length; at += 1) {
    const changed = Uint8Array.from(datagram);
    changed[at] = (changed[at] ?? 0) ^ 1;
    lan.inject("10.0.0.2", port, changed);
    lan.inject("10.0.0.2", port, datagram.subarray(0, at));
  }
  await clock.advance(100);
  expect(a.peers).toEqual([b.address]);
  expect(a.steps.join()).toMatch(/refused: damaged/);
});

test("trouble with an interface is reported, with what was tried", async () => {
  const { clock, lan, start } = world();
  const host = lan.host("10.0.0.1");
  const a = start("a", host);
  await clock.advance(100);
  lan.failed(host, "sending over eth0");
  expect(a.problems[0]).toMatchObject({
    code: "ERR_LAN_UNUSABLE",
    details: { strategy: "gossip", what: "sending over eth0" },
  });
});

test.each([
  [{ multicastTtl: 0 }, /multicastTtl/],
  [{ port: 70_000 }, /port/],
  [{ multicastAddress: "10.0.0.1" }, /multicastAddress/],
  [{ multicastAddress: ["239.1.1.1", "239.1.1.2"] }, /one for each family/],
  [{ multicastAddress: "ff12::1", broadcast: true }, /IPv4/],
  [{ interval: "1ms" as const }, /interval/],
  [{ secret: "" }, /secret/],
])("a wrong option is refused when the strategy is made: %j", (options, message) => {
  expect(() => gossip(options)).toThrow(message);
});
