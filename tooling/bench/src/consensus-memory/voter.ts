/** The one voter of a group on a real disk: opened, written to as fast as it goes, and looked at. */
import {
  createGroupEngine,
  createStoreMachine,
  openGroup,
  type Group,
  type GroupEngine,
  type StoreMachine,
  type StoreResponse,
} from "@foundation/consensus";
import { setTimeout as sleep } from "node:timers/promises";
import { fileStorage, silentLogger, type NodeId } from "@foundation/core";
import { answerOrders } from "../processes/worker-process.js";
import { memoryNow, type MemoryReading } from "../security/node-memory.js";

export type Order =
  | {
      readonly type: "open";
      readonly directory: string;
      readonly id: NodeId;
      /** A snapshot replaces the log when it has this size. @default the group's own */
      readonly snapshotLogBytes?: number;
      /** Newest entries kept in memory beside those that no snapshot has. @default the log's own */
      readonly windowBytesAim?: number;
      /** Past revisions that the store keeps. */
      readonly revisions: number;
    }
  /** What the opening took, or null when it goes on. */
  | { readonly type: "opened" }
  | { readonly type: "write"; readonly count: number; readonly keys: number }
  | { readonly type: "state" }
  | { readonly type: "close" };

/** What an opening took, until the store could be read. */
export interface Opened {
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly appliedIndex: number;
}

export interface State {
  readonly memory: MemoryReading;
  readonly keys: number;
  readonly appliedIndex: number;
}

const GROUP = "bench-1";
const CLIENTS = 256;
const TRIES_MAX = 20;
const VALUE_BYTES = 100;
const value = new Uint8Array(VALUE_BYTES).fill(7);

let group: Group<StoreResponse>;
let machine: StoreMachine;
let engine: GroupEngine;
let written = 0;
let opening: Promise<Opened>;
/** An opening may take longer than an order, on a machine that does other things as well. */
const LOOK_MS = 20_000;

async function open(order: Extract<Order, { type: "open" }>): Promise<Opened> {
  const { directory, id, snapshotLogBytes, windowBytesAim, revisions } = order;
  machine = createStoreMachine({ limits: { historyRevisionsMax: revisions } });
  const limits =
    snapshotLogBytes === undefined
      ? {}
      : { snapshotLogBytes, snapshotLogBytesMax: snapshotLogBytes };
  const cpu = process.cpuUsage();
  const startedAt = performance.now();
  group = await openGroup({
    group: GROUP,
    link: { self: id, send: () => false, open: () => () => {} },
    machine,
    storage: fileStorage(directory),
    firstVoters: [id],
    limits,
    ...(windowBytesAim !== undefined && { logLimits: { windowBytesAim } }),
    runtime: { logger: silentLogger() },
  });
  // Who reads finds everything that was acknowledged; on a busy machine that may take more than one try.
  for (let tries = 1; ; tries += 1) {
    try {
      await group.read({ timeout: "30s" });
      break;
    } catch (error) {
      if (tries === TRIES_MAX) throw error;
    }
  }
  const seconds = (performance.now() - startedAt) / 1_000;
  const { user, system } = process.cpuUsage(cpu);
  engine = createGroupEngine({ group, machine });
  return { seconds, cpuSeconds: (user + system) / 1e6, appliedIndex: group.status().appliedIndex };
}

async function write(count: number, keys: number): Promise<number> {
  const until = written + count;
  const client = async (): Promise<void> => {
    while (written < until) {
      const number = written++ % keys;
      const key = `keys/${String(number).padStart(8, "0")}`;
      await engine.txn({ then: [{ type: "put", key, value }] }, { timeout: "60s" });
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  return written;
}

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case "open":
      opening = open(order);
      return null;
    case "opened":
      return await Promise.race([opening, sleep(LOOK_MS, null)]);
    case "write":
      return await write(order.count, order.keys);
    case "state": {
      const { appliedIndex } = group.status();
      const state: State = { memory: await memoryNow(), keys: machine.store.size, appliedIndex };
      return state;
    }
    case "close":
      await engine.close();
      return await group.close();
    default:
      return order satisfies never;
  }
}

answerOrders(obey);
