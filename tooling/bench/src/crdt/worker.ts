/** One process of a contestant: it holds maps, or joins one, as its parent says. */
import { subscribe } from "node:diagnostics_channel";
import type { Socket } from "node:net";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { answerOrders } from "../processes/worker-process.js";
import { catalogue, type MapContestant, type Replica } from "./contestant.js";

export type Order =
  | { readonly type: "prepare"; readonly contestant: string }
  | { readonly type: "serve"; readonly port: number }
  | { readonly type: "hold"; readonly name: string }
  /** Writes keys `from` up to `to`, some in each turn. */
  | { readonly type: "fill"; readonly from: number; readonly to: number }
  | {
      readonly type: "join";
      readonly address: string;
      readonly where: string;
      readonly keys: number;
    }
  | { readonly type: "await"; readonly keys: number }
  | { readonly type: "churn"; readonly cycles: number };

export interface Filled {
  readonly perSecond: number;
  readonly bytesPerKey: number;
}

export interface JoinedMap {
  readonly ms: number;
  readonly cpuMs: number;
  /** Of all connections of this process, both ways. */
  readonly bytes: number;
}

export interface Churned {
  readonly ms: number;
  readonly heapGrownBytes: number;
}

/** Writes of one transaction. */
const BATCH = 100;
const CHURN_KEYS = 1_000;
const VALUE_CHARS = 80;
const SETTLE_MS = 1_000;
const LOOK_MS = 1;
const LOOKS_MAX = 50_000;

let contestant: MapContestant | undefined;
let replica: Replica | undefined;
const sockets: Socket[] = [];

for (const channel of ["net.client.socket", "net.server.socket"]) {
  subscribe(channel, (message) => void sockets.push((message as { socket: Socket }).socket));
}

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case "prepare": {
      const load = catalogue[order.contestant];
      if (load === undefined) throw new Error(`There is no contestant ${order.contestant}`);
      contestant = await load();
      return true;
    }
    case "serve":
      return (await loaded().serve(order.port)).address;
    case "hold": {
      const held = await loaded().hold(order.name);
      replica = held.replica;
      return held.where;
    }
    case "fill":
      return fill(order.from, order.to);
    case "join":
      return join(order.address, order.where, order.keys);
    case "await":
      return has(order.keys);
    case "churn":
      return churn(order.cycles);
    default:
      return order satisfies never;
  }
}

function loaded(): MapContestant {
  if (contestant === undefined) throw new Error("prepare comes first");
  return contestant;
}

function held(): Replica {
  if (replica === undefined) throw new Error("hold or join comes first");
  return replica;
}

async function fill(from: number, to: number): Promise<Filled> {
  const heapBefore = heapBytes();
  const started = performance.now();
  for (let n = from; n < to; n += BATCH) {
    held().batch((map) => {
      for (let k = n; k < Math.min(to, n + BATCH); k += 1) map.set(keyOf(k), valueOf(k));
    });
    await turn();
  }
  const ms = performance.now() - started;
  const bytesPerKey = (heapBytes() - heapBefore) / (to - from);
  return { perSecond: ((to - from) / ms) * 1_000, bytesPerKey };
}

async function join(address: string, where: string, keys: number): Promise<JoinedMap> {
  const started = performance.now();
  const cpu = process.cpuUsage();
  replica = await loaded().join(address, where);
  await has(keys);
  const ms = performance.now() - started;
  const { user, system } = process.cpuUsage(cpu);
  const bytes = sockets.reduce((sum, socket) => sum + socket.bytesRead + socket.bytesWritten, 0);
  return { ms, cpuMs: (user + system) / 1_000, bytes };
}

/** Waits for so many keys; answers how long. */
async function has(keys: number): Promise<number> {
  const started = performance.now();
  for (let look = 0; held().size < keys; look += 1) {
    if (look > LOOKS_MAX) throw new Error(`${held().size} of ${keys} keys are here`);
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
  }
  return performance.now() - started;
}

async function churn(cycles: number): Promise<Churned> {
  const heapBefore = heapBytes();
  const started = performance.now();
  for (let n = 0; n < cycles; n += BATCH) {
    const keys = Array.from({ length: BATCH }, (_, k) => `churn-${(n + k) % CHURN_KEYS}`);
    held().batch((map) => {
      for (const key of keys) map.set(key, "x");
    });
    held().batch((map) => {
      for (const key of keys) map.delete(key);
    });
    await turn();
  }
  const ms = performance.now() - started;
  // What still waits for the other process is not kept.
  await new Promise((resolve) => setTimeout(resolve, SETTLE_MS));
  return { ms, heapGrownBytes: heapBytes() - heapBefore };
}

function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  (runInNewContext("gc") as () => void)();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** What is written: part of the suite's meaning, so its size is known. */
export function keyOf(n: number): string {
  return `user:${String(n).padStart(7, "0")}`;
}

/** 80 letters and figures that look random, so that nobody gains by compressing them alone. */
export function valueOf(n: number): string {
  let state = (n + 1) * 2_654_435_761;
  let text = "";
  while (text.length < VALUE_CHARS) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) ^ (state << 7);
    text += (state >>> 0).toString(36);
  }
  return text.slice(0, VALUE_CHARS);
}

if (process.send !== undefined) answerOrders(obey);
