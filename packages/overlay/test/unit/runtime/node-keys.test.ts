import { afterEach, beforeEach, describe, expect, test } from "@jest/globals";
import { createBoot, createNodeId, createNodeKey, type NodeKey } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type { Overlay } from "../../../src/index.js";
import { VirtualOverlays } from "../../support/virtual-overlays.js";

let world: VirtualOverlays;
beforeEach(() => {
  world = new VirtualOverlays();
});
afterEach(() => world.close());

const random = seededRandom("keys");
const id = createNodeId(random);
const [first, second] = [createNodeKey(random), createNodeKey(random)];
const starts = (order: number, key: NodeKey | undefined) => ({
  identity: { id, boot: createBoot(order, random), name: `start ${order}`, ...(key && { key }) },
});
const codesOf = (overlay: Overlay) =>
  overlay.refusals().map(({ code, direction }) => `${direction} ${code}`);

describe("a node's key", () => {
  test("is remembered with its id: the same key may come again, another or none may not, and both sides say so", async () => {
    const b = await world.start("b");
    const a = await world.start("a", { ...starts(1, first), peers: [b.address] });
    await world.clock.advance(1_000);
    expect(b.membership.members()).toHaveLength(2);
    await world.clock.run(a.leave());
    for (const [host, key] of [
      ["c", second],
      ["d", undefined],
    ] as const) {
      const impostor = await world.start(host, { ...starts(2, key), peers: [b.address] });
      await world.clock.advance(2_000);
      expect(impostor.membership.members()).toHaveLength(1);
      expect(codesOf(impostor)).toEqual(["outbound ERR_NODE_KEY_MISMATCH"]);
      expect(codesOf(b)).toEqual(["inbound ERR_NODE_KEY_MISMATCH"]);
      await world.clock.run(impostor.close());
    }
    const again = await world.start("e", { ...starts(3, first), peers: [b.address] });
    await world.clock.advance(2_000);
    expect(b.membership.member(id)?.boot).toBe(again.self.boot);
  });

  test("is an alarm when it does not fit: an error in the log, and counted", async () => {
    const b = await world.start("b");
    const a = await world.start("a", { ...starts(1, first), peers: [b.address] });
    await world.clock.advance(1_000);
    await world.clock.run(a.leave());
    await world.start("c", { ...starts(2, second), peers: [b.address] });
    await world.clock.advance(2_000);
    const alarms = world.logger.lines.filter(({ level }) => level === "error");
    expect(alarms.map(({ fields }) => fields["code"])).toContain("ERR_NODE_KEY_MISMATCH");
    expect(b.refusals()[0]?.lastMessage).toContain("another node key");
  });

  test("protects a live node even from a newer start with its id", async () => {
    const b = await world.start("b");
    const a = await world.start("a", { ...starts(1, first), peers: [b.address] });
    await world.clock.advance(1_000);
    await world.start("c", { ...starts(9, second), peers: [b.address] });
    await world.clock.advance(3_000);
    expect(b.membership.member(id)?.boot).toBe(a.self.boot);
    expect(codesOf(b)).toEqual(["inbound ERR_NODE_KEY_MISMATCH"]);
  });

  test("is checked by whoever dials too, before it proves anything", async () => {
    const a = await world.start("a", starts(1, first));
    const b = await world.start("b", { peers: [a.address] });
    await world.clock.advance(1_000);
    await world.clock.run(a.leave());
    const impostor = await world.start("c", starts(2, second));
    b.dial([impostor.address]);
    await world.clock.advance(1_000);
    expect(codesOf(b)).toEqual(["outbound ERR_NODE_KEY_MISMATCH"]);
    expect(codesOf(impostor)).toEqual(["inbound ERR_NODE_KEY_MISMATCH"]);
  });
});

test("two live processes with one id are refused on both sides, with the addresses of both", async () => {
  const [a, b] = (await world.form(2)) as [Overlay, Overlay];
  const clone = await world.start("z", { id: a.self.id, peers: [b.address] });
  await world.clock.advance(3_000);
  for (const node of [b, clone]) {
    const { lastMessage } = node.refusals().find(({ code }) => code === "ERR_NODE_ID_CLASH") ?? {};
    expect(lastMessage).toContain(a.address);
    expect(lastMessage).toContain(clone.address);
  }
});
