/** One process of a contestant of the hol suite, told what to do by its parent. */
import type { Ports } from "../contestants/contestant.js";
import { latenciesOf, type CallRate } from "../overlay/latencies.js";
import { answerOrders } from "../processes/worker-process.js";
import { holCatalogue } from "./catalogue.js";
import type { HolClient, HolContestant } from "./contestant.js";

/** What the parent asks; each is answered with one message. */
export type Order =
  | { readonly type: "serve"; readonly contestant: string; readonly ports: Ports }
  | {
      readonly type: "connect";
      readonly contestant: string;
      readonly ports: Ports;
      readonly address: string;
    }
  | { readonly type: "pings"; readonly durationMs: number }
  | { readonly type: "bulk"; readonly outstanding: number }
  | { readonly type: "count" | "reset" };

/** Large messages that arrived, and the time from the first to the last of them. */
export interface BulkCount {
  readonly count: number;
  readonly elapsedMs: number;
}

const PAUSE_MS = 1;
let client: HolClient | undefined;
let count = 0;
let firstMs = 0;
let lastMs = 0;

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case "serve":
      return (await (await contestantOf(order.contestant)).serve(onBulk, order.ports)).address;
    case "connect": {
      const contestant = await contestantOf(order.contestant);
      client = await contestant.connect(order.address, order.ports);
      return true;
    }
    case "pings":
      return pings(connected(), order.durationMs);
    case "bulk":
      for (let i = 0; i < order.outstanding; i += 1) void flow(connected());
      return true;
    case "count":
      return { count, elapsedMs: lastMs - firstMs } satisfies BulkCount;
    case "reset":
      count = 0;
      return true;
    default:
      return order satisfies never;
  }
}

async function contestantOf(name: string): Promise<HolContestant> {
  const entry = holCatalogue[name];
  if (entry === undefined) throw new Error(`There is no contestant ${name}`);
  return entry.load();
}

function connected(): HolClient {
  if (client === undefined) throw new Error("connect comes first");
  return client;
}

function onBulk(): void {
  lastMs = performance.now();
  count += 1;
  if (count === 1) firstMs = lastMs;
}

/** Ends with the process. */
async function flow(to: HolClient): Promise<void> {
  for (;;) await to.bulk();
}

/** One at a time, with a pause between: round trips are measured, not their rate. */
async function pings(to: HolClient, durationMs: number): Promise<CallRate> {
  const took: number[] = [];
  const started = performance.now();
  const until = started + durationMs;
  while (performance.now() < until) {
    const from = performance.now();
    await to.ping();
    took.push(performance.now() - from);
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
  }
  return latenciesOf(Float64Array.from(took), performance.now() - started);
}

answerOrders(obey);
