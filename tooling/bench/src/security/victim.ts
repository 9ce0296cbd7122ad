/** The node under attack, in a process of its own, on a real socket. */
import { createOverlay, type Overlay } from "@foundation/overlay";
import { answerOrders } from "../processes/worker-process.js";
import { DecodeCounter } from "./decode-counter.js";
import { memoryNow, type MemoryReading } from "./node-memory.js";
import { watchingLogger, watchProcess } from "./watch.js";
import { CLUSTER, ECHO, SECRET } from "./wire.js";

export type Order =
  | { readonly type: "start"; readonly countDecodes: boolean; readonly tls: boolean }
  | { readonly type: "state" }
  /** Forgets the highest memory seen. */
  | { readonly type: "reset" };

export interface State {
  readonly crashes: number;
  readonly shown: readonly string[];
  readonly decodes: number;
  readonly memory: MemoryReading;
  /** The most since the last reset, garbage included, looked at every 50 ms. */
  readonly peakRssBytes: number;
  readonly refusals: Readonly<Record<string, number>>;
  readonly polluted: number;
}

const SAMPLE_MS = 50;
const crashes = watchProcess();
const counter = new DecodeCounter();
const prototypeKeys = Reflect.ownKeys(Object.prototype).length;
let counting = false;
let node: Overlay | undefined;
let peakRssBytes = 0;

async function obey(order: Order): Promise<unknown> {
  switch (order.type) {
    case "start": {
      counting = order.countDecodes;
      if (counting) await counter.start();
      node = await createOverlay({
        cluster: CLUSTER,
        secret: SECRET,
        tls: order.tls ? "psk" : "off",
        runtime: { logger: watchingLogger(crashes) },
      });
      node.messenger.handle(ECHO, ({ payload }) => payload);
      setInterval(() => {
        peakRssBytes = Math.max(peakRssBytes, process.memoryUsage.rss());
      }, SAMPLE_MS);
      return { address: node.address, id: node.self.id };
    }
    case "reset":
      peakRssBytes = 0;
      return true;
    case "state":
      return state();
    default:
      return order satisfies never;
  }
}

async function state(): Promise<State> {
  const decodes = counting ? await counter.take() : Number.NaN;
  const counts = new Map<string, number>();
  for (const { code, count } of node?.refusals() ?? []) {
    counts.set(code, (counts.get(code) ?? 0) + count);
  }
  return {
    crashes: crashes.count,
    shown: crashes.shown,
    decodes,
    memory: await memoryNow(),
    peakRssBytes,
    refusals: Object.fromEntries(counts),
    polluted: Reflect.ownKeys(Object.prototype).length - prototypeKeys,
  };
}

answerOrders(obey);
