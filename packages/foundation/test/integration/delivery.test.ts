/** What a channel promises of delivery, over real sockets, as a user sees it. */
import { describe, expect, test } from "@jest/globals";
import { eventually, startNodes } from "./real-nodes.js";

describe("a channel's delivery", () => {
  test("acked: send resolves when the handler has finished", async () => {
    const [a, b] = await startNodes(2);
    let finished = 0;
    b!.channel("orders").handle(async () => {
      await new Promise((resume) => setTimeout(resume, 20));
      finished += 1;
    });
    const orders = a!.channel("orders", { delivery: "acked" });
    for (let i = 1; i <= 3; i += 1) {
      await orders.send(b!.self, { id: i });
      expect(finished).toBe(i);
    }
  });

  test("compressed payloads arrive as they were sent, in fewer bytes", async () => {
    const [a, b] = await startNodes(2);
    const received: unknown[] = [];
    b!.channel("logs").handle(({ payload }) => received.push(payload));
    const logs = a!.channel("logs", { compression: true });
    const text = "the same line again and again\n".repeat(5_000);
    await logs.send(b!.self, text);
    await eventually(() => received.length === 1);
    expect(received).toEqual([text]);
    expect(logs.stats().bytesOut).toBeLessThan(text.length / 10);
  });

  test("overlay.compression is for every channel that does not say it itself", async () => {
    const channels = [{ name: "plain", compression: false }];
    const [a, b] = await startNodes(2, { overlay: { compression: true, channels } });
    const text = "the same line again and again\n".repeat(5_000);
    for (const name of ["plain", "logs"]) {
      b!.channel(name).handle(({ payload }) => payload === text);
      expect(await a!.channel(name).request(b!.self, text)).toBe(true);
    }
    const bytesOut = (name: string) => a!.channel(name).stats().bytesOut;
    expect(bytesOut("plain")).toBeGreaterThan(text.length);
    expect(bytesOut("logs")).toBeLessThan(text.length / 10);
  });

  test("monotonic: a slow reader gets the last value of each key, and few of those before", async () => {
    const [a, b] = await startNodes(2);
    const seen = new Map<string, number[]>([
      ["x", []],
      ["y", []],
    ]);
    type Price = { readonly share: string; readonly price: number; readonly pad: Uint8Array };
    b!.channel<Price, void>("prices").handle(async ({ payload }) => {
      seen.get(payload.share)?.push(payload.price);
      await new Promise((resume) => setTimeout(resume, 20));
    });
    const prices = a!.channel<Price>("prices", { monotonic: true });
    const pad = new Uint8Array(100_000);
    for (let price = 1; price <= 200; price += 1) {
      for (const share of ["x", "y"]) {
        await prices.send(b!.self, { share, price, pad }, { key: share });
      }
      await new Promise((resume) => setImmediate(resume));
    }
    await eventually(() => [...seen.values()].every((each) => each.at(-1) === 200));
    for (const each of seen.values()) {
      expect(each).toEqual([...each].sort((one, other) => one - other));
      expect(each.length).toBeLessThan(200);
    }
  });
});
