import { describe, expect, test } from "@jest/globals";
import {
  createKernel,
  inMemoryMeter,
  nodeRandom,
  createNodeId,
  createBoot,
} from "@foundation/core";
import { recordingLogger, virtualClock } from "@foundation/core/testing";
import { createVitals } from "../../../src/runtime/vitals.js";

function setup() {
  const clock = virtualClock();
  const meter = inMemoryMeter();
  const random = nodeRandom();
  const runtime = { clock, meter, logger: recordingLogger() };
  const kernel = createKernel({ node: createNodeId(random), boot: createBoot(1, random), runtime });
  const memory = () => ({ heapUsed: 10, rss: 20 });
  const vitals = createVitals({ runtime, kernel, memory });
  return { clock, meter, vitals };
}

describe("vitals", () => {
  test("count messages of both directions over the last seconds, and nothing else", async () => {
    const { clock, meter, vitals } = setup();
    const messages = meter.counter("overlay_messages_total", "", { direction: "in" });
    const bytes = meter.counter("overlay_bytes_total", "", { direction: "in" });
    await clock.advance(1_000);
    messages.add(300);
    bytes.add(1_000_000);
    await clock.advance(1_000);
    expect(vitals.messagesPerSecond()).toBeGreaterThanOrEqual(150);
    expect(vitals.messagesPerSecond()).toBeLessThanOrEqual(300);
    await clock.advance(10_000);
    expect(vitals.messagesPerSecond()).toBe(0);
    vitals.close();
  });

  test("report memory, uptime and processes, and stop with close", async () => {
    const { clock, vitals } = setup();
    await clock.advance(1_500);
    expect(vitals.read()).toMatchObject({
      uptimeMs: 1_500,
      heapUsedBytes: 10,
      rssBytes: 20,
      processes: 0,
      mailboxMessages: 0,
      eventLoopLagMs: 0,
    });
    vitals.close();
    expect(clock.pendingTimers).toBe(0);
  });
});
