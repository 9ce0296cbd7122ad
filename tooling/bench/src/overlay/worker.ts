/** One process of a contestant: server or client, told what to do by its parent. */
import { entryOf } from "../contestants/catalogue.js";
import type { BenchClient, Ports } from "../contestants/contestant.js";
import { payloadOf, type PayloadKind } from "../contestants/payloads.js";
import { answerOrders } from "../processes/worker-process.js";
import { latenciesOf, type CallRate } from "./latencies.js";

/** What the parent asks; each is answered with one message. */
export type Order =
  | { readonly type: "serve"; readonly contestant: string; readonly ports: Ports }
  | {
      readonly type: "connect";
      readonly contestant: string;
      readonly ports: Ports;
      readonly address: string;
    }
  | { readonly type: "calls"; readonly inFlight: number; readonly durationMs: number }
  | { readonly type: "events"; readonly kind: PayloadKind; readonly durationMs: number }
  | { readonly type: "count" | "reset" | "memory" };

/** Events that arrived, and the time from the first to the last of them. */
export interface Count {
  readonly count: number;
  readonly elapsedMs: number;
}

/** Events of one turn of the sender's loop. */
const BURST: Readonly<Record<PayloadKind, number>> = { small: 256, objects: 16, bytes: 16 };
/** The clock is read once for so many events, so that reading it is not what is measured. */
const CLOCK_EVERY = 64;
const SAMPLES_MAX = 2_000_000;
let client: BenchClient | undefined;
let count = 0;
let firstMs = 0;
let lastMs = 0;
let countAtLast = 0;

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case "serve": {
      const contestant = await entryOf(order.contestant).load();
      return (await contestant.serve(onEvent, order.ports)).address;
    }
    case "connect": {
      const contestant = await entryOf(order.contestant).load();
      client = await contestant.connect(order.address, order.ports);
      return true;
    }
    case "calls":
      return calls(connected(), order.inFlight, order.durationMs);
    case "events":
      return events(connected(), order.kind, order.durationMs);
    case "count":
      return { count, elapsedMs: (lastMs - firstMs) * (count / Math.max(1, countAtLast)) };
    case "reset":
      count = 0;
      return true;
    case "memory":
      return process.memoryUsage.rss() / 1024 ** 2;
    default:
      return order satisfies never;
  }
}

function connected(): BenchClient {
  if (client === undefined) throw new Error("connect comes first");
  return client;
}

function onEvent(): void {
  count += 1;
  if (count === 1) firstMs = lastMs = performance.now();
  else if (count % CLOCK_EVERY === 0) {
    lastMs = performance.now();
    countAtLast = count;
  }
}

async function calls(to: BenchClient, inFlight: number, durationMs: number): Promise<CallRate> {
  const payload = payloadOf("small");
  const tookMs = new Float64Array(SAMPLES_MAX);
  const started = performance.now();
  const until = started + durationMs;
  let done = 0;
  const caller = async () => {
    for (;;) {
      const from = performance.now();
      if (from >= until) return;
      await to.call(payload);
      tookMs[done % SAMPLES_MAX] = performance.now() - from;
      done += 1;
    }
  };
  await Promise.all(Array.from({ length: inFlight }, caller));
  return latenciesOf(tookMs.subarray(0, done), performance.now() - started);
}

/** Sends as many events as go; answers how many. */
async function events(to: BenchClient, kind: PayloadKind, durationMs: number): Promise<number> {
  const payload = payloadOf(kind);
  const until = performance.now() + durationMs;
  let sent = 0;
  while (performance.now() < until) {
    for (let i = 0; i < BURST[kind]; i += 1) {
      sent += 1;
      if (!to.emit(payload)) await to.room();
    }
    await new Promise<void>((resolve) => void setImmediate(resolve));
  }
  return sent;
}

answerOrders(obey);
