import { afterEach, expect, test } from "@jest/globals";
import { VirtualOverlays } from "../../support/virtual-overlays.js";

const overlays = new VirtualOverlays("held messages");
afterEach(() => overlays.close());

test("messages without content take credit while their handlers are busy", async () => {
  const [a, b] = await overlays.form(2);
  if (a === undefined || b === undefined) throw new Error("two nodes are there");
  const ends: (() => void)[] = [];
  b.messenger.handle("work", () => new Promise<void>((resolve) => ends.push(resolve)));
  const held = () => b.links().find(({ channel }) => channel === "jobs")?.heldBytes;
  for (let i = 0; i < 3; i += 1)
    void a.messenger.send({ to: b.self.id, channel: "jobs", subject: "work" }, null);
  await overlays.clock.advance(500);
  expect(ends).toHaveLength(3);
  expect(held()).toBe(3 * (6 + 1));
  for (const end of ends) end();
  await overlays.clock.advance(10);
  expect(held()).toBe(0);
});
