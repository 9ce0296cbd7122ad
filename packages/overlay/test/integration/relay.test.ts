/** Members that cannot dial each other, on the virtual network: they reach each other over others. */
import { expect, test } from "@jest/globals";
import type { Overlay } from "../../src/index.js";
import { VirtualOverlays } from "../support/virtual-overlays.js";

/** Three nodes; the first and the last never reach each other directly. */
async function apart(seed: string, options: { readonly relay?: boolean } = { relay: true }) {
  const overlays = new VirtualOverlays(seed);
  const { clock, network } = overlays;
  network.cut("a", "c");
  const b = await overlays.start("b", options);
  const a = await overlays.start("a", { ...options, peers: [b.address] });
  const c = await overlays.start("c", { ...options, peers: [b.address] });
  await clock.advance(30_000);
  return { overlays, clock, a, b, c };
}

const upTo = (node: Overlay, { self }: Overlay) =>
  node.links().some(({ peer, channel, up }) => peer === self.id && channel === "data" && up);

test("a member that cannot be dialled answers over another one", async () => {
  const { clock, a, b, c } = await apart("asks");
  for (const node of [a, b, c]) expect(node.membership.members().length).toBe(3);
  c.messenger.handle("double", ({ payload, from }) => [from, (payload as number) * 2]);
  const route = { to: c.self.id, channel: "data", subject: "double" };
  expect(await clock.run(a.messenger.request(route, 21))).toEqual([a.self.id, 42]);
  expect(upTo(a, c)).toBe(true);
});

test("messages over another member keep their order, and large ones arrive whole", async () => {
  const { clock, a, c } = await apart("order");
  const heard: unknown[] = [];
  let bytes = 0;
  c.messenger.handle("count", ({ payload }) => heard.push(payload));
  c.messenger.handle("bulk", ({ payload }) => {
    bytes += (payload as Uint8Array).length;
  });
  const to = { to: c.self.id, channel: "data" };
  for (let i = 0; i < 500; i += 1) {
    await clock.run(a.messenger.send({ ...to, subject: "count" }, i));
    if (i % 100 === 0)
      await clock.run(a.messenger.send({ ...to, subject: "bulk" }, new Uint8Array(300_000)));
  }
  await clock.advance(10_000);
  expect(heard).toEqual([...Array(500).keys()]);
  expect(bytes).toBe(5 * 300_000);
});

test("nobody is reached over others who does not want it", async () => {
  const { clock, a, c } = await apart("plain", {});
  c.messenger.handle("double", ({ payload }) => (payload as number) * 2);
  const route = { to: c.self.id, channel: "data", subject: "double" };
  const asked = a.messenger.request(route, 21, { timeoutMs: 2_000 });
  await expect(clock.run(asked)).rejects.toMatchObject({ code: expect.stringMatching(/^ERR_/) });
  expect(upTo(a, c)).toBe(false);
});
