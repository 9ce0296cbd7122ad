import { expect, test } from "@jest/globals";
import { createKeyRing } from "@foundation/core";
import { seededRandom, virtualClock, type VirtualClock } from "@foundation/core/testing";
import { secretReader } from "../../../src/lan/secrets.js";
import { discoverByMdns } from "../../../src/mdns/mdns-discovery.js";
import { mdns, mdnsSettingsOf } from "../../../src/mdns/mdns.js";
import { decodePacket, encodePacket } from "../../../src/mdns/wire.js";
import { packetOf, SERVICE, type MdnsPacket } from "../../../src/protocol/mdns/records.js";
import { LanNode } from "../../support/lan-node.js";
import { MemoryLan, type MemoryHost } from "../../support/memory-lan.js";

interface World {
  readonly clock: VirtualClock;
  readonly lan: MemoryLan;
  start(name: string, host: MemoryHost, more?: ConstructorParameters<typeof LanNode>[4]): LanNode;
  /** What was sent from an address, decoded. */
  packets(from: string): readonly MdnsPacket[];
}

function world(seed = "mdns"): World {
  const clock = virtualClock();
  const lan = new MemoryLan(clock, seededRandom(seed));
  const settings = mdnsSettingsOf({});
  const start: World["start"] = (name, host, more) =>
    new LanNode(
      name,
      clock,
      `ws://${host.paths[0]?.address ?? "10.0.0.99"}:4100`,
      (context) => discoverByMdns(host, settings, secretReader(undefined, context), context),
      more,
    );
  const packets = (from: string) =>
    lan.sent.filter((each) => each.from === from).map(({ datagram }) => decodePacket(datagram)!);
  return { clock, lan, start, packets };
}

test("a newcomer finds those who are there within 300 ms, and is found within 1.2 s", async () => {
  const { clock, lan, start } = world();
  const [a, b] = [start("a", lan.host("10.0.0.1")), start("b", lan.host("10.0.0.2"))];
  await clock.advance(20_000);
  expect(a.peers).toEqual([b.address]);
  const c = start("c", lan.host("10.0.0.3"));
  await clock.advance(300);
  expect(c.peers).toEqual([a.address, b.address]);
  await clock.advance(900);
  expect(a.peers).toEqual([b.address, c.address]);
  expect([a, b, c].flatMap(({ problems }) => problems)).toEqual([]);
});

test("two that start at once know each other within 1.3 s", async () => {
  const { clock, lan, start } = world();
  const [a, b] = [start("a", lan.host("10.0.0.1")), start("b", lan.host("10.0.0.2"))];
  await clock.advance(1_300);
  expect([a.peers, b.peers]).toEqual([[b.address], [a.address]]);
});

test("a foreign name that cannot be said again spoils no packet of ours, and nobody expires by it", async () => {
  const { clock, lan, start } = world();
  const label = Uint8Array.from({ length: 64 }, (_, i) => (i === 0 ? 63 : 0xfe));
  const service = SERVICE.split(".").flatMap((each) => [each.length, ...Buffer.from(each)]);
  const target = [...label, ...service, 0];
  const answer = [...service, 0, 0, 12, 0, 1, 0, 0, 0x11, 0x94, 0, target.length, ...target];
  const foreign = Uint8Array.from([0, 0, 0x84, 0, 0, 0, 0, 1, 0, 0, 0, 0, ...answer]);
  const [a, b] = [start("a", lan.host("10.0.0.1")), start("b", lan.host("10.0.0.2"))];
  await clock.advance(2_000);
  lan.inject("10.0.0.77", 5_353, foreign);
  for (let i = 0; i < 10; i += 1) {
    await clock.advance(60_000);
    expect([a.peers, b.peers]).toEqual([[b.address], [a.address]]);
  }
  expect([a, b].flatMap(({ problems }) => problems)).toEqual([]);
  const ours = lan.sent.filter(({ from }) => from !== "10.0.0.77");
  expect(ours.filter(({ datagram }) => decodePacket(datagram) === undefined)).toEqual([]);
  // They did go on to ask.
  expect(ours.length).toBeGreaterThan(20);
});

test("an announcement tells nothing but where, and a tag", async () => {
  const { clock, lan, start, packets } = world();
  start("secret-name", lan.host("10.0.0.1"), { cluster: "secret-cluster" });
  await clock.advance(5_000);
  const bytes = Buffer.concat(lan.sent.map(({ datagram }) => datagram)).toString("latin1");
  expect(bytes).not.toMatch(/secret/);
  const texts = packets("10.0.0.1").flatMap(({ answers }) =>
    answers.flatMap((each) => (each.type === "TXT" ? each.texts : [])),
  );
  expect(new Set(texts.map((text) => text.replace(/=[0-9a-f]{32}$/, "=…")))).toEqual(
    new Set(["v=1", "tag=…"]),
  );
});

test("a goodbye is heard; who was killed is gone when its records expire, and not before", async () => {
  const { clock, lan, start } = world();
  const hc = lan.host("10.0.0.3");
  const [a, b, c] = [
    start("a", lan.host("10.0.0.1")),
    start("b", lan.host("10.0.0.2")),
    start("c", hc),
  ];
  await clock.advance(3_000);
  await b.stop();
  await clock.advance(1_100);
  expect(a.peers).toEqual([c.address]);
  hc.move();
  await clock.advance(90_000);
  expect(a.peers).toEqual([c.address]);
  await clock.advance(35_000);
  expect(a.peers).toEqual([]);
});

test("who stays is asked for before its records expire, and stays for hours with a fifth of the packets lost", async () => {
  const { clock, lan, start } = world();
  const [a, b] = [start("a", lan.host("10.0.0.1")), start("b", lan.host("10.0.0.2"))];
  await clock.advance(5_000);
  lan.faults.loss = 0.2;
  const sent = lan.sent.length;
  await clock.advance(3_600_000);
  expect(a.sets).toHaveLength(b.sets.length);
  expect(a.peers).toEqual([b.address]);
  // Queries once a minute, refreshes and their answers: less than six packets a minute of the two together.
  expect(lan.sent.length - sent).toBeLessThan(60 * 6);
});

test("known answers are not told again", async () => {
  const { clock, lan, start, packets } = world();
  start("a", lan.host("10.0.0.1"));
  await clock.advance(5_000);
  const before = packets("10.0.0.1").length;
  const pointer = packets("10.0.0.1")
    .flatMap(({ answers }) => answers)
    .find(({ type }) => type === "PTR")!;
  const ask = (answers: MdnsPacket["answers"], truncated = false) => {
    const questions = [{ name: SERVICE, type: "PTR" as const }];
    lan.inject(
      "10.0.0.9",
      5_353,
      encodePacket(packetOf("query", { questions, answers, truncated })),
    );
  };
  ask([{ ...pointer, ttlS: 100 }]);
  await clock.advance(1_000);
  expect(packets("10.0.0.1")).toHaveLength(before);
  ask([{ ...pointer, ttlS: 10 }]);
  await clock.advance(1_000);
  expect(packets("10.0.0.1")).toHaveLength(before + 1);
  // The known answer comes in the second packet of a question.
  ask([], true);
  await clock.advance(100);
  lan.inject(
    "10.0.0.9",
    5_353,
    encodePacket(packetOf("query", { answers: [{ ...pointer, ttlS: 100 }] })),
  );
  await clock.advance(1_000);
  expect(packets("10.0.0.1")).toHaveLength(before + 1);
});

test("what one asker knows already is still told to another who asked", async () => {
  const { clock, lan, start, packets } = world();
  start("a", lan.host("10.0.0.1"));
  await clock.advance(5_000);
  const before = packets("10.0.0.1").length;
  const known = packets("10.0.0.1").flatMap(({ answers }) => answers);
  const questions = [{ name: SERVICE, type: "PTR" as const }];
  for (const source of ["10.0.0.8", "10.0.0.9"]) {
    const packet = packetOf("query", { questions, truncated: true });
    lan.inject(source, 5_353, encodePacket(packet));
  }
  lan.inject("10.0.0.9", 5_353, encodePacket(packetOf("query", { answers: known })));
  await clock.advance(1_000);
  expect(packets("10.0.0.1")).toHaveLength(before + 1);
});

test("two with one name: the one that comes later takes another, and both are found", async () => {
  const { clock, lan, start, packets } = world();
  // The same seed gives the same label, as two copies of one virtual machine might.
  const a = start("clone", lan.host("10.0.0.1"));
  const c = start("c", lan.host("10.0.0.3"));
  await clock.advance(5_000);
  const b = start("clone", lan.host("10.0.0.2"));
  await clock.advance(5_000);
  expect(b.steps.join()).toMatch(/a conflict: now named [0-9a-f]{16}-2/);
  expect(a.steps.join()).not.toMatch(/conflict/);
  expect(c.peers).toEqual([a.address, b.address]);
  expect(b.peers).toEqual([a.address, c.address]);
  expect(packets("10.0.0.1").length).toBeLessThan(20);
});

test("two with one name that start at once settle who keeps it", async () => {
  const { clock, lan, start } = world();
  const a = start("clone", lan.host("10.0.0.1"));
  const b = start("clone", lan.host("10.0.0.2"));
  const c = start("c", lan.host("10.0.0.3"));
  await clock.advance(10_000);
  expect(c.peers).toEqual([a.address, b.address]);
  expect([a, b].filter(({ steps }) => /conflict/.test(steps.join()))).toHaveLength(1);
});

test("with another secret nobody is dialled, and each says once what to set", async () => {
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

test("without a secret nothing is announced; with one the node begins", async () => {
  const { clock, lan, start, packets } = world();
  const secrets: string[] = [];
  const a = start("a", lan.host("10.0.0.1"));
  const b = start("b", lan.host("10.0.0.2"), { secrets });
  await clock.advance(5_000);
  expect(packets("10.0.0.2").filter(({ type }) => type === "response")).toEqual([]);
  expect(b.codes).toEqual(["ERR_LAN_SECRET_MISSING", "ERR_LAN_STRANGER"]);
  secrets.push("a secret");
  await clock.advance(5_000);
  expect(a.peers).toEqual([b.address]);
});

test("secrets are exchanged in three rounds without anybody being lost", async () => {
  const { clock, lan } = world();
  const rings = [1, 2].map(() => createKeyRing("old"));
  const nodes = rings.map((ring, i) => {
    const host = lan.host(`10.0.0.${i + 1}`);
    return new LanNode(`n${i}`, clock, `ws://10.0.0.${i + 1}:4100`, (context) =>
      discoverByMdns(host, mdnsSettingsOf({}), secretReader(ring, context), context),
    );
  });
  type Ring = (typeof rings)[number];
  const rounds = [
    (ring: Ring) => ring.add("new"),
    (ring: Ring) => ring.use("new"),
    (ring: Ring) => ring.remove("old"),
  ];
  await clock.advance(60_000);
  for (const round of rounds) {
    for (const ring of rings) {
      round(ring);
      await clock.advance(120_000);
    }
  }
  for (const node of nodes) {
    expect(node.sets.map(({ peers }) => peers.length)).toEqual([0, 1]);
    expect(node.problems).toEqual([]);
  }
});

test("a draining node says so", async () => {
  const { clock, lan, start } = world();
  const [a, b] = [start("a", lan.host("10.0.0.1")), start("b", lan.host("10.0.0.2"))];
  await clock.advance(3_000);
  b.drain();
  await clock.advance(2_500);
  expect(a.sets.at(-1)?.peers).toEqual([{ address: b.address, draining: true }]);
});

test("a node that gets another address is found there, and no longer at the old one", async () => {
  const { clock, lan, start } = world();
  const hb = lan.host("10.0.0.2");
  const a = start("a", lan.host("10.0.0.1"));
  start("b", hb, { listensOn: "0.0.0.0" });
  await clock.advance(3_000);
  hb.move("10.0.0.7");
  await clock.advance(1_500);
  expect(a.peers).toEqual(["ws://10.0.0.7:4100"]);
});

test("a node with two interfaces is announced on each by its own address, and takes no fright of itself", async () => {
  const { clock, lan, start } = world();
  const b = start("b", lan.host("10.0.0.2", "10.0.0.3"), { listensOn: "0.0.0.0" });
  const c = start("c", lan.host("192.168.7.3", "10.0.0.4"));
  await clock.advance(5_000);
  expect(b.peers).toEqual([c.address]);
  expect(c.peers).toEqual(["ws://10.0.0.2:4100"]);
  expect(b.steps.join()).not.toMatch(/conflict/);
});

test("what others announce on the network, and garbage, is nobody; garbage is told once", async () => {
  const { clock, lan, start } = world();
  const a = start("a", lan.host("10.0.0.1"));
  await clock.advance(2_000);
  const printer = "printer._ipp._tcp.local";
  const answers: MdnsPacket["answers"] = [
    { type: "PTR", name: "_ipp._tcp.local", target: printer, ttlS: 4_500, flush: false },
    { type: "SRV", name: printer, target: "printer.local", port: 631, ttlS: 120, flush: true },
    { type: "A", name: "printer.local", address: "10.0.0.77", ttlS: 120, flush: true },
    // Of our service, with nothing behind it.
    { type: "PTR", name: SERVICE, target: `ghost.${SERVICE}`, ttlS: 120, flush: false },
  ];
  lan.inject("10.0.0.77", 5_353, encodePacket(packetOf("response", { answers })));
  for (let i = 0; i < 10; i += 1) lan.inject("10.0.0.66", 5_353, Uint8Array.from([1, 2, 3]));
  await clock.advance(20_000);
  expect(a.peers).toEqual([]);
  expect(a.codes).toEqual(["ERR_LAN_UNREADABLE"]);
});

test("a node that listens on loopback only is not announced, and is told so", async () => {
  const { clock, lan, packets } = world();
  const host = lan.host("10.0.0.1");
  const node = new LanNode("a", clock, "ws://127.0.0.1:4100", (context) =>
    discoverByMdns(host, mdnsSettingsOf({}), secretReader(undefined, context), context),
  );
  await clock.advance(5_000);
  expect(packets("10.0.0.1").every(({ type }) => type === "query")).toBe(true);
  expect(node.codes).toEqual(["ERR_LAN_UNREACHABLE"]);
});

test("a node announced by a name is dialled by it", async () => {
  const { clock, lan, start } = world();
  const a = start("a", lan.host("10.0.0.1"));
  const host = lan.host("10.0.0.2");
  new LanNode("b", clock, "ws://shop.example:4100", (context) =>
    discoverByMdns(host, mdnsSettingsOf({}), secretReader(undefined, context), context),
  );
  await clock.advance(3_000);
  expect(a.peers).toEqual(["ws://shop.example:4100"]);
});

test("thirty nodes that start at once know each other within 10 s though a tenth of the packets is lost", async () => {
  const { clock, lan, start } = world();
  lan.faults.loss = 0.1;
  const nodes = Array.from({ length: 30 }, (_, i) => start(`n${i}`, lan.host(`10.0.0.${i + 1}`)));
  await clock.advance(10_000);
  expect(nodes.map(({ peers }) => peers.length)).toEqual(nodes.map(() => 29));
});

test.each([
  [{ interfaces: "eth0" as unknown as string[] }, /interfaces/],
  [{ families: [5 as 4] }, /families/],
  [{ secret: "" }, /secret/],
])("a wrong option is refused when the strategy is made: %j", (options, message) => {
  expect(() => mdns(options)).toThrow(message);
});
