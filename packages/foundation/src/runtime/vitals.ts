/**
 * Vitals: what a node says of itself when any node asks for the cluster's health.
 *
 * The event loop's lag is measured by how late a plain timer of the Clock runs, so that the simulated node has one too.
 * The message rate is how much the meter's count grew in the last window.
 */
import type { Kernel, Runtime, Timer } from "@foundation/core";
import type { NodeVitals } from "../health/report.js";
import { limits } from "../limits.js";
import { RecentGrowth } from "./recent-growth.js";

export interface Vitals {
  /** The node's vitals now. */
  read(): NodeVitals;
  /** Messages received and sent by this node in the last window, a second. */
  messagesPerSecond(): number;
  /** Published messages that this node's slow subscribers lost lately. */
  droppedLately(): number;
  close(): void;
}

/** How often lag and rate are sampled, in ms. */
const sampleMs = 500;
/** The overlay's counters that together are "messages". */
const messageCounters = /^overlay_messages_total\{/;

export interface VitalsOptions {
  readonly runtime: Pick<Runtime, "clock" | "meter">;
  readonly kernel: Kernel;
  /** Messages that subscribers of this node lost since the start. @default none are counted */
  readonly dropped?: () => number;
  /** Memory of this process, in bytes. @default process.memoryUsage */
  readonly memory?: () => { readonly heapUsed: number; readonly rss: number };
}

export function createVitals(options: VitalsOptions): Vitals {
  const { kernel, dropped = () => 0, memory = () => process.memoryUsage() } = options;
  const { clock, meter } = options.runtime;
  const startedAt = clock.now();
  const messageGrowth = new RecentGrowth(limits.rateWindowMs);
  const dropGrowth = new RecentGrowth(limits.problemMs);
  let lagMs = 0;
  let timer: Timer | undefined;

  const messages = () => {
    let total = 0;
    for (const [name, value] of meter.snapshot()) {
      if (messageCounters.test(name)) total += value;
    }
    return total;
  };
  const arm = () => {
    const dueAt = clock.now() + sampleMs;
    timer = clock.setTimer(sampleMs, () => {
      // Half of the old value stays, so that one late timer is seen by a health check shortly after.
      lagMs = Math.max(0, clock.now() - dueAt, lagMs / 2);
      messageGrowth.sample(clock.now(), messages());
      dropGrowth.sample(clock.now(), dropped());
      arm();
    });
  };
  messageGrowth.sample(clock.now(), messages());
  dropGrowth.sample(clock.now(), dropped());
  arm();

  function messagesPerSecond(): number {
    const { count, overMs } = messageGrowth.upTo(clock.now(), messages());
    return overMs > 0 ? Math.round((count * 1000) / overMs) : 0;
  }

  return {
    messagesPerSecond,
    droppedLately: () => dropGrowth.upTo(clock.now(), dropped()).count,
    read() {
      const running = kernel.list();
      const { heapUsed, rss } = memory();
      return {
        uptimeMs: Math.round(clock.now() - startedAt),
        heapUsedBytes: heapUsed,
        rssBytes: rss,
        eventLoopLagMs: Math.round(lagMs),
        processes: running.length,
        mailboxMessages: running.reduce((total, { mailboxLength }) => total + mailboxLength, 0),
        messagesPerSecond: messagesPerSecond(),
      };
    },
    close: () => timer?.cancel(),
  };
}
