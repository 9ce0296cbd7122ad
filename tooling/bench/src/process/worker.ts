/** One process of a contestant: serves, or calls as its parent says. */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import type { Ports } from "../contestants/contestant.js";
import { payloadOf } from "../contestants/payloads.js";
import { answerOrders } from "../processes/worker-process.js";
import { catalogue, type Caller, type ProcessContestant } from "./contestant.js";

export type Order =
  | { readonly type: "serve"; readonly contestant: string; readonly ports: Ports }
  | {
      readonly type: "connect";
      readonly contestant: string;
      readonly ports: Ports;
      readonly address: string;
    }
  | {
      readonly type: "calls";
      readonly where: "local" | "remote";
      readonly inFlight: number;
      readonly forMs: number;
    }
  | { readonly type: "casts"; readonly forMs: number }
  /** Starts and ends so many, `atOnce` of them together. */
  | { readonly type: "starts"; readonly count: number; readonly atOnce: number }
  /** Starts so many and leaves them; answers how much memory each took. */
  | { readonly type: "live"; readonly count: number };

export interface Rate {
  readonly perSecond: number;
  /** Of this process alone. */
  readonly cpuMicros: number;
}

/** Casts of one turn. */
const BURST = 256;
/** So long a burst may take until all of it was handled. */
const HANDLED_MS_MAX = 10_000;
let caller: Caller | undefined;

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case "serve":
      return (await (await loaded(order.contestant)).serve(order.ports)).address;
    case "connect":
      caller = await (await loaded(order.contestant)).connect(order.address, order.ports);
      return true;
    case "calls":
      return calls(connected(), order.where, order.inFlight, order.forMs);
    case "casts":
      return casts(connected(), order.forMs);
    case "starts":
      return starts(connected(), order.count, order.atOnce);
    case "live":
      return live(connected(), order.count);
    default:
      return order satisfies never;
  }
}

async function loaded(name: string): Promise<ProcessContestant> {
  const load = catalogue[name];
  if (load === undefined) throw new Error(`There is no contestant ${name}`);
  return load();
}

function connected(): Caller {
  if (caller === undefined) throw new Error("connect comes first");
  return caller;
}

function calls(to: Caller, where: "local" | "remote", inFlight: number, forMs: number) {
  const payload = payloadOf("small");
  return rated(async () => {
    const untilMs = performance.now() + forMs;
    let done = 0;
    const one = async () => {
      while (performance.now() < untilMs) {
        const reply = await to[where](payload);
        if (typeof reply !== "object" || reply === null) throw new Error("An echo was lost");
        done += 1;
      }
    };
    await Promise.all(Array.from({ length: inFlight }, one));
    return done;
  });
}

function casts(to: Caller, forMs: number) {
  const payload = payloadOf("small");
  return rated(async () => {
    const before = to.casts();
    const untilMs = performance.now() + forMs;
    let sent = 0;
    while (performance.now() < untilMs) {
      const pending: unknown[] = [];
      for (let i = 0; i < BURST; i += 1) pending.push(to.cast(payload));
      sent += BURST;
      await Promise.all(pending);
      const lateMs = performance.now() + HANDLED_MS_MAX;
      while (to.casts() - before < sent) {
        if (performance.now() > lateMs) throw new Error("Casts were not handled");
        await turn();
      }
    }
    return sent;
  });
}

function starts({ start }: Caller, count: number, atOnce: number) {
  if (start === undefined) throw new Error("This contestant starts nothing");
  return rated(async () => {
    for (let done = 0; done < count; done += atOnce) {
      const started = await Promise.all(Array.from({ length: atOnce }, () => start()));
      await Promise.all(started.map((end) => end()));
    }
    return count;
  });
}

async function live({ start }: Caller, count: number): Promise<number> {
  if (start === undefined) throw new Error("This contestant starts nothing");
  const before = await heapBytes();
  for (let done = 0; done < count; done += 1_000) {
    await Promise.all(Array.from({ length: Math.min(1_000, count - done) }, () => start()));
  }
  return ((await heapBytes()) - before) / count;
}

async function rated(work: () => Promise<number>): Promise<Rate> {
  const startedMs = performance.now();
  const cpu = process.cpuUsage();
  const done = await work();
  const { user, system } = process.cpuUsage(cpu);
  return {
    perSecond: (done * 1_000) / (performance.now() - startedMs),
    cpuMicros: (user + system) / done,
  };
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

async function heapBytes(): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  await new Promise((resolve) => setTimeout(resolve, 50));
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

answerOrders(obey);
