/** Pair: the two processes of a contestant, whatever they are written in, as the suite sees them. */
import { entryOf } from "../contestants/catalogue.js";
import type { Ports } from "../contestants/contestant.js";
import type { PayloadKind } from "../contestants/payloads.js";
import { erlangPair } from "../processes/erlang.js";
import { freePorts, natsServer } from "../processes/programs.js";
import { WorkerProcess } from "../processes/worker-process.js";
import { residentMiB } from "../noise.js";
import type { CallRate } from "./latencies.js";
import type { Count, Order } from "./worker.js";

export interface Pair extends AsyncDisposable {
  /** All processes that work for it, a server between the two with them. */
  readonly pids: readonly number[];
  /** Which payloads it can carry. */
  readonly carries: readonly PayloadKind[];
  calls(inFlight: number, durationMs: number): Promise<CallRate>;
  events(kind: PayloadKind, durationMs: number): Promise<void>;
  /** What has arrived since the last `reset`. */
  count(): Promise<Count>;
  reset(): Promise<void>;
  /** Resident memory of the sending and the receiving process, in MiB. */
  memory(): Promise<readonly [sender: number, receiver: number]>;
}

/** Erlang's names: the same maps that everybody sends, or bytes where everybody sends objects. */
export const ERLANG = "erlang";
export const ERLANG_BYTES = "erlang-bytes";

export function pairOf(contestant: string): Promise<Pair> {
  if (contestant === ERLANG) return erlang({ small: "small", objects: "objects", bytes: "bytes" });
  if (contestant === ERLANG_BYTES) return erlang({ small: "small_bytes" });
  return nodes(contestant);
}

async function nodes(contestant: string): Promise<Pair> {
  const { carries, needsNats = false } = entryOf(contestant);
  const ports = (await freePorts(3)) as unknown as Ports;
  const broker = needsNats ? await natsServer(ports[2]) : undefined;
  const worker = new URL("./worker.ts", import.meta.url);
  const server = new WorkerProcess<Order>(worker);
  const client = new WorkerProcess<Order>(worker);
  const pair: Pair = {
    pids: [server.pid, client.pid, ...(broker === undefined ? [] : [broker.pid])],
    carries,
    calls: async (inFlight, durationMs) =>
      (await client.ask({ type: "calls", inFlight, durationMs })) as CallRate,
    events: async (kind, durationMs) => {
      await client.ask({ type: "events", kind, durationMs });
    },
    count: async () => (await server.ask({ type: "count" })) as Count,
    reset: async () => {
      await server.ask({ type: "reset" });
    },
    memory: async () => [
      (await client.ask({ type: "memory" })) as number,
      (await server.ask({ type: "memory" })) as number,
    ],
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
      await broker?.[Symbol.asyncDispose]();
    },
  };
  try {
    const address = (await server.ask({ type: "serve", contestant, ports })) as string;
    await client.ask({ type: "connect", contestant, ports, address });
    return pair;
  } catch (error) {
    await pair[Symbol.asyncDispose]();
    throw error;
  }
}

async function erlang(names: Readonly<Partial<Record<PayloadKind, string>>>): Promise<Pair> {
  const pair = await erlangPair();
  const [server, client] = pair.pids;
  return {
    pids: pair.pids,
    carries: Object.keys(names) as PayloadKind[],
    calls: async (inFlight, durationMs) =>
      (await pair.ask(`calls ${names.small} ${inFlight} ${durationMs} 0`)) as unknown as CallRate,
    events: async (kind, durationMs) => {
      await pair.ask(`events ${names[kind]} ${durationMs}`);
    },
    count: async () => (await pair.ask("count")) as unknown as Count,
    reset: async () => {
      await pair.ask("reset");
    },
    memory: () =>
      Promise.resolve([residentMiB(client) ?? Number.NaN, residentMiB(server) ?? Number.NaN]),
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}
