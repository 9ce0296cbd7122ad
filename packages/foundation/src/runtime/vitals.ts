/**
 * Vitals: what a node says of itself when any node asks for the cluster's health.
 *
 * The event loop's lag is measured by how late a plain timer of the Clock runs, so that the simulated node has one too.
 * The message rate is the meter's count over the last window.
 */
import type { Kernel, Runtime, Timer } from "@foundation/core";
import type { NodeVitals } from "../health/report.js";
import { limits } from "../limits.js";

export interface Vitals {
  /** The node's vitals now. */
  read(): NodeVitals;
  /** Messages received and sent by this node in the last window, a second. */
  messagesPerSecond(): number;
  close(): void;
}

/** How often lag and rate are sampled, in ms. */
const sampleMs = 500;
/** The overlay's counters that together are "messages". */
const messageCounters = /^overlay_messages_total\{/;
/** Samples in the window of the rate. */
const samplesMax = Math.ceil(limits.rateWindowMs / sampleMs);

export interface VitalsOptions {
  readonly runtime: Pick<Runtime, "clock" | "meter">;
  readonly kernel: Kernel;
  /** Memory of this process, in bytes. @default process.memoryUsage */
  readonly memory?: () => { readonly heapUsed: number; readonly rss: number };
}

export function createVitals(options: VitalsOptions): Vitals {
  const { kernel, memory = () => process.memoryUsage() } = options;
  const { clock, meter } = options.runtime;
  const startedAt = clock.now();
  const samples: { at: number; messages: number }[] = [];
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
      samples.push({ at: clock.now(), messages: messages() });
      if (samples.length > samplesMax) samples.shift();
      arm();
    });
  };
  arm();

  function messagesPerSecond(): number {
    const oldest = samples[0];
    if (oldest === undefined) return 0;
    const seconds = (clock.now() - oldest.at) / 1000;
    return seconds > 0 ? Math.round((messages() - oldest.messages) / seconds) : 0;
  }

  return {
    messagesPerSecond,
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
