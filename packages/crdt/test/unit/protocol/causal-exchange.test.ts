import { describe, expect, test } from "@jest/globals";
import { CAUSAL_LIMITS } from "../../../src/limits.js";
import { CausalState } from "../../../src/protocol/causal/causal-state.js";
import type { CausalInput } from "../../../src/protocol/causal/inputs.js";
import type { CausalMessage } from "../../../src/protocol/causal/messages.js";
import { bootOf, CausalWorld, idOf, strandOf, TINY } from "../../property/causal-world.js";

/** Writes of one node of which each reaches one replica, undefined for nobody. */
function scatter(
  world: CausalWorld,
  writer: number,
  reached: readonly (number | undefined)[],
  key?: string,
): void {
  for (const [n, chosen] of reached.entries()) {
    world.write(writer, key ?? `${writer}${n + 1}`);
    world.flush(writer);
    world.packets = world.packets.filter(({ to }) => to === chosen);
    world.drain();
  }
}

/** From now on the network is these. */
function connectOnly(world: CausalWorld, nodes: readonly number[]): void {
  world.replicas.forEach((_, i) => world.replicas.forEach((__, j) => world.down(i, j)));
  world.packets = [];
  for (const i of nodes) for (const j of nodes) world.up(i, j);
}

describe("the exchange of a causal state", () => {
  test("two that have other writes of one who is gone agree, however many holes these leave", () => {
    const world = new CausalWorld(3, { limits: { ...TINY, gapsMax: 1 } });
    world.up(2, 0);
    world.up(2, 1);
    scatter(world, 2, [0, undefined, 1]);
    connectOnly(world, [0, 1]);
    world.drain();
    expect(world.view(0)).toEqual({ "21": [1], "23": [3] });
    expect(world.view(1)).toEqual(world.view(0));
  });

  test("a write that is refused again and again keeps no other one back, and no talk going", () => {
    const world = new CausalWorld(4, { limits: { ...TINY, gapsMax: 1, vectorStrandsMax: 1 } });
    for (const to of [0, 1]) {
      world.up(2, to);
      world.up(3, to);
    }
    scatter(world, 2, [0, undefined, 1]);
    scatter(world, 3, [1]);
    connectOnly(world, [0, 1]);
    world.drain();
    expect(world.view(0)).toEqual({ "21": [1], "23": [3], "31": [4] });
    expect(world.view(1)).toEqual(world.view(0));
  });

  test("who is full stops asking until the next tick", () => {
    // Room for two keys; the others are of writers that are named one by one.
    const limits = { ...TINY, entriesMax: 1, vectorStrandsMax: 1 };
    const world = new CausalWorld(4, { limits });
    world.up(2, 1);
    world.up(3, 1);
    world.write(0, "01");
    world.write(0, "02");
    scatter(world, 2, [1]);
    scatter(world, 3, [1]);
    connectOnly(world, [0, 1]);
    world.flush(0);
    world.drain();
    world.now += 10_000;
    world.tick(0, 1);
    expect(world.packets).toHaveLength(1);
    world.drain();
    expect(Object.keys(world.view(0))).toEqual(["01", "02"]);
  });

  test("writers that are named while blocks are compared are asked for in the same exchange", () => {
    const world = new CausalWorld(3, { limits: { ...TINY, vectorStrandsMax: 1 } });
    for (const i of [0, 2]) for (const j of [0, 1]) world.up(i, j);
    // Each names first the writer of whom the other one has more, then the one it has more of.
    scatter(world, 2, [0], "a");
    scatter(world, 0, [1, undefined], "a");
    scatter(world, 2, [1], "a");
    connectOnly(world, [0, 1]);
    world.drain();
    expect(world.view(0)).toEqual({ a: [3, 4] });
    expect(world.view(1)).toEqual(world.view(0));
  });

  test("who was put off and agrees by now does not keep those behind it waiting", () => {
    const world = new CausalWorld(4);
    scatter(world, 1, [undefined, undefined]);
    connectOnly(world, [1, 2]);
    world.drain();
    scatter(world, 3, [undefined]);
    connectOnly(world, []);
    for (const i of [1, 2, 3]) {
      world.up(0, i);
      world.up(i, 0);
    }
    world.drain();
    expect(world.view(0)).toEqual({ "11": [1], "12": [2], "31": [3] });
  });

  test("an empty replica that joins asks, pulls, and compares once when it has all", () => {
    const world = new CausalWorld(2, { limits: CAUSAL_LIMITS });
    scatter(
      world,
      1,
      Array.from({ length: 100 }, () => undefined),
    );
    world.up(0, 1);
    world.up(1, 0);
    const said: string[] = [];
    while (world.packets.length > 0) {
      const packet = world.packets[0];
      if (packet?.from === 0) said.push(packet.message.type);
      world.deliver(0);
    }
    expect(Object.keys(world.view(0))).toHaveLength(100);
    expect(said).toEqual(["vector", "pull", "root"]);
  });

  test("removals that the peer does not take are told once more and no third time", () => {
    const gone = strandOf(2, 0);
    const peer = idOf(1);
    const sent: CausalMessage<number>[] = [];
    const options = { own: strandOf(0, 0), limits: TINY, tombstoneMs: 1_000, journals: false };
    const state = new CausalState<number>(options);
    const input = (given: CausalInput<number>): void => {
      for (const effect of state.handle(given, 0)) {
        if (effect.type === "send") sent.push(effect.message);
      }
    };
    const hear = (message: CausalMessage<number>): void =>
      input({ type: "message", from: peer, message });
    input({ type: "member-up", id: peer, boot: bootOf(0) });
    const part = { of: gone, from: 1, through: 1, gaps: [], keys: [], values: [] };
    input({ type: "restore", delta: { type: "delta", parts: [part] } });
    input({ type: "tick", peer });
    const theirs = { id: gone, seen: [1, 1], live: 1, high: 1, low: 1 };
    let told = 0;
    for (let answered = 0; sent.length > 0; answered += 1) {
      expect(answered).toBeLessThan(10);
      const message = sent.shift() as CausalMessage<number>;
      if (message.type === "delta") told += 1;
      if (message.type === "root")
        hear({ type: "vector", ask: false, complete: true, strands: [theirs] });
      if (message.type === "blocks") {
        const bits = new Uint8Array(128).fill(1, 0, 1);
        hear({ type: "lives", of: gone, seen: [1, 1], bitmaps: [[0, bits]], more: false });
      }
    }
    expect(told).toBe(2);
  });
});
