import { describe, expect, test } from "@jest/globals";
import { OWNED_LIMITS } from "../../../src/limits.js";
import { parseOwnedMessage } from "../../../src/protocol/owned/messages.js";
import { OwnedWorld, TINY } from "../../property/owned-world.js";

const owner = (i: number) => String(i).padStart(32, "0");

function calm(size: number, limits = TINY): OwnedWorld {
  const world = new OwnedWorld(size, limits);
  world.drain();
  return world;
}

function write(world: OwnedWorld, i: number, from: number, to: number): void {
  for (let n = from; n < to; n += 1) world.set(i, `k${n}`, n);
  world.input(i, { type: "flush" });
}

describe("owner-sharded state", () => {
  test("a write reaches every member with one broadcast", () => {
    const world = calm(3);
    const before = world.messages;
    world.set(0, "a", 1);
    world.set(0, "a", 2);
    world.input(0, { type: "flush" });
    expect(world.messages - before).toBe(2);
    world.drain();
    for (let i = 0; i < 3; i += 1) expect(world.view(i)).toEqual({ a: { [owner(0)]: 2 } });
  });

  test("two owners' claims of one key stand side by side", () => {
    const world = calm(2);
    world.set(0, "a", 1);
    world.set(1, "a", 2);
    world.quiesce();
    expect(world.view(0)).toEqual({ a: { [owner(0)]: 1, [owner(1)]: 2 } });
    world.delete(0, "a");
    world.quiesce();
    expect(world.view(1)).toEqual({ a: { [owner(1)]: 2 } });
  });

  test("a lost delta is pulled when the next one shows the gap", () => {
    const world = calm(2);
    world.set(0, "a", 1);
    world.input(0, { type: "flush" });
    world.lose(0);
    world.set(0, "b", 2);
    world.input(0, { type: "flush" });
    world.drain();
    expect(Object.keys(world.view(1))).toEqual(["a", "b"]);
  });

  test("below the floor the whole shard replaces the old one, and nothing deleted stays", () => {
    const world = calm(2);
    write(world, 0, 0, 10);
    world.drain();
    world.down(1, 0);
    for (let n = 0; n < 8; n += 1) world.delete(0, `k${n}`);
    world.input(0, { type: "flush" });
    world.packets = [];
    expect(world.node(0).state.ownSize).toBe(2);
    world.up(1, 0);
    world.drain();
    expect(Object.keys(world.view(1))).toEqual(["k8", "k9"]);
    expect([...world.node(1).mirror.keys()]).toEqual([`${owner(0)} k8`, `${owner(0)} k9`]);
  });

  test("a whole shard that is cut off half-way leaves the old one in place until it is complete", () => {
    const world = calm(2);
    write(world, 0, 0, 20);
    world.drain();
    world.down(1, 0);
    for (let n = 0; n < 10; n += 1) world.delete(0, `k${n}`);
    world.input(0, { type: "flush" });
    world.packets = [];
    world.up(1, 0);
    for (let step = 0; step < 4; step += 1) world.deliver(0);
    world.packets = [];
    expect(Object.keys(world.view(1))).toHaveLength(20);
    world.now += 10_000;
    world.tick(1, 0);
    world.drain();
    expect(Object.keys(world.view(1))).toHaveLength(10);
  });

  test("a down owner's entries are hidden at once and come back with the same boot", () => {
    const world = calm(3);
    write(world, 0, 0, 5);
    world.drain();
    world.down(1, 0);
    expect(world.view(1)).toEqual({});
    expect(Object.keys(world.view(2))).toHaveLength(5);
    world.up(1, 0);
    expect(Object.keys(world.view(1))).toHaveLength(5);
    world.drain();
    expect(world.view(1)).toEqual(world.view(0));
  });

  test("a hidden shard is forgotten after the tombstone time, and pulled whole if its boot returns", () => {
    const world = calm(2);
    write(world, 0, 0, 5);
    world.drain();
    world.down(1, 0);
    world.now += 59_999;
    world.input(1, { type: "tick" });
    expect(world.node(1).state.replicas).toBe(1);
    world.now += 1;
    world.input(1, { type: "tick" });
    expect(world.node(1).state.replicas).toBe(0);
    world.up(1, 0);
    expect(world.view(1)).toEqual({});
    world.drain();
    expect(world.view(1)).toEqual(world.view(0));
  });

  test("of many that are down only so many are kept, and who is forgotten is pulled whole", () => {
    const world = calm(5, { ...TINY, hiddenShardsMax: 2 });
    for (let i = 1; i < 5; i += 1) world.set(i, "a", i);
    world.quiesce();
    for (const i of [3, 1, 4, 2]) world.down(0, i);
    expect(world.node(0).state.replicas).toBe(2);
    world.up(0, 2);
    expect(Object.keys(world.view(0)["a"] ?? {})).toEqual([owner(2)]);
    world.up(0, 3);
    world.down(0, 3);
    world.down(0, 2);
    expect(world.node(0).state.replicas).toBe(2);
    world.quiesce();
    expect(world.view(0)).toEqual(world.view(1));
    expect(Object.keys(world.view(0)["a"] ?? {})).toHaveLength(4);
  });

  test("a newer boot of an owner drops what the older one said", () => {
    const world = calm(2);
    write(world, 0, 0, 5);
    world.drain();
    world.restart(0);
    world.set(0, "fresh", 1);
    world.quiesce();
    expect(world.view(1)).toEqual({ fresh: { [owner(0)]: 1 } });
  });

  test("a late message of a node that is down does not bring its shard back", () => {
    const world = calm(2);
    write(world, 0, 0, 3);
    const [late] = world.packets.map((packet) => packet.message);
    world.drain();
    world.input(1, { type: "member-left", id: world.node(0).id, boot: world.node(0).boot });
    if (late === undefined) throw new Error("nothing was sent");
    world.input(1, { type: "message", from: world.node(0).id, message: late });
    expect(world.view(1)).toEqual({});
    expect(world.node(1).state.replicas).toBe(0);
  });

  test.each([
    { who: "the one that has it", asks: 2, asked: 1 },
    { who: "the one that lacks it", asks: 1, asked: 2 },
  ])(
    "what is missed from an unreachable owner comes through a third node: $who begins",
    ({ asks, asked }) => {
      const world = calm(3);
      // Whoever has nothing at all to compare begins nothing.
      write(world, 1, 0, 1);
      world.drain();
      world.set(0, "a", 1);
      world.input(0, { type: "flush" });
      world.packets = world.packets.filter((packet) => packet.to === 2);
      world.drain();
      world.now += 10_000;
      world.tick(asks, asked);
      world.drain();
      expect(world.view(1)).toMatchObject({ a: { [owner(0)]: 1 } });
    },
  );

  test("members that have written nothing say nothing: not when they meet, nor later", () => {
    const world = new OwnedWorld(5);
    for (let i = 0; i < 5; i += 1) world.tick(i, (i + 1) % 5);
    expect(world.messages).toBe(0);
  });

  test("that a member has written nothing is known a round trip after somebody asked", () => {
    const world = calm(2);
    const ask = () => world.input(0, { type: "ask", id: world.node(1).id });
    expect(world.node(0).state.knows(world.node(1).id)).toBe(false);
    ask();
    ask();
    expect(world.messages).toBe(1);
    world.drain();
    expect(world.node(0).state.knows(world.node(1).id)).toBe(true);
    world.now += 10_000;
    ask();
    expect(world.messages).toBe(2);
  });

  test("a question that is lost is asked again, but not at once", () => {
    const world = calm(2);
    const ask = () => world.input(0, { type: "ask", id: world.node(1).id });
    ask();
    world.lose(0);
    world.now += 1_999;
    ask();
    expect(world.messages).toBe(1);
    world.now += 1;
    ask();
    world.drain();
    expect(world.node(0).state.knows(world.node(1).id)).toBe(true);
  });

  test("what a node says before it is a member is asked for when it is one", () => {
    const world = calm(2);
    world.down(1, 0);
    const { id, boot } = world.node(0);
    world.set(0, "a", 1);
    const entries = [[id, boot, 1, 0]] as const;
    world.input(1, { type: "message", from: id, message: { type: "vector", entries } });
    world.packets = [];
    world.up(1, 0);
    world.drain();
    expect(world.view(1)).toEqual({ a: { [owner(0)]: 1 } });
  });

  test("a store that is opened late greets who is there, with nothing to say itself", () => {
    const world = calm(2);
    write(world, 0, 0, 1);
    world.packets = [];
    const { id, boot } = world.node(0);
    world.restart(1);
    world.up(0, 1);
    world.packets = [];
    world.node(1).up.set(0, boot);
    world.input(1, { type: "member-up", id, boot, wasThere: true });
    world.drain();
    expect(world.view(1)).toEqual({ k0: { [owner(0)]: 0 } });
  });

  test("a hundred thousand entries arrive in messages of bounded size, pulled by the reader", () => {
    const world = calm(2, { ...OWNED_LIMITS });
    const count = 100_000;
    for (let n = 0; n < count; n += 1) world.set(0, `name:${n}`, n);
    world.input(0, { type: "flush" });
    let largest = 0;
    while (world.packets.length > 0) {
      const message = world.packets[0]?.message;
      if (message?.type === "delta") largest = Math.max(largest, message.entries.length);
      expect(world.packets.length).toBeLessThanOrEqual(8);
      world.deliver(0);
    }
    expect(largest).toBeLessThanOrEqual(OWNED_LIMITS.deltaEntriesMax);
    expect(world.node(1).state.claims.size).toBe(count);
  }, 60_000);
});

describe("a message of an owner-sharded store", () => {
  const boot = "0".repeat(24);
  const delta = { type: "delta", owner: owner(0), boot, from: 0, to: 2, floor: 0, head: 2 };

  test.each([
    ["not an object", 7],
    ["of an unknown type", { type: "boom" }],
    ["a delta without owner and boot", { ...delta, owner: "me", entries: [] }],
    ["a delta whose from, to, floor or head is no count", { ...delta, to: -1, entries: [] }],
    ["a delta whose positions are out of order", { ...delta, from: 3, entries: [] }],
    ["a delta without entries", delta],
    ["a delta with a malformed entry", { ...delta, entries: [["k"]] }],
    [
      "a delta with an entry out of order",
      {
        ...delta,
        entries: [
          ["a", 2, 1],
          ["b", 1, 1],
        ],
      },
    ],
    ["a pull without a position", { type: "pull", owner: owner(0), boot, sequence: "1", floor: 0 }],
    ["a vector with a malformed entry", { type: "vector", entries: [["x", boot, 0, 0]] }],
    ["a vector with a malformed range", { type: "vector", entries: [], range: {} }],
  ])("is refused when it is %s", (problem, payload) => {
    expect(parseOwnedMessage(payload, OWNED_LIMITS)).toEqual({ problem });
  });
});
