/**
 * The hol suite: does a small message wait for large ones? Round trips of 100 bytes, one at a time,
 * while messages of a megabyte are sent as fast as they go between the same two processes.
 *
 * The reference is what one can build by hand: one connection, chunks of 64 KB, four of them under
 * way. Large messages are counted where they arrive whole.
 */
import type { Ports } from "../contestants/contestant.js";
import { quietMoment, watchForeign } from "../noise.js";
import type { CallRate } from "../overlay/latencies.js";
import { erlangPair } from "../processes/erlang.js";
import { installPeers } from "../processes/install-peers.js";
import { freePorts } from "../processes/programs.js";
import { WorkerProcess } from "../processes/worker-process.js";
import { Unavailable, type Aim, type Reading, type RunOptions, type Suite } from "../suite.js";
import { holCatalogue } from "./catalogue.js";
import { BULK } from "./contestant.js";
import type { BulkCount, Order } from "./worker.js";

const OURS = "foundation";
const OURS_TLS = "foundation-tls-psk";
const REFERENCE = "ws-chunks-credit";
const ERLANG = "erlang";
const P50 = "p50 ms under load";
const P99 = "p99 ms under load";
const BULK_RATE = "bulk MB/s";
const IDLE_P50 = "p50 ms idle";
const IDLE_P99 = "p99 ms idle";

/** Large messages that are sent and not known to have arrived, or been accepted. */
const OUTSTANDING = 8;
const IDLE_MS = 1_000;
const WARM_UP_MS = 1_500;
const MEASURE_MS = 3_000;
const QUICK = 0.2;

const aim = (
  measure: string,
  bound: Aim["bound"],
  target: number,
  against: string = REFERENCE,
): Aim => ({ measure, of: OURS, against, bound, target, beside: [OURS_TLS] });

export const holSuite: Suite = {
  name: "hol",
  contestants: [...Object.keys(holCatalogue), ERLANG],
  measures: [
    { name: P50, decimals: 3 },
    { name: P99, decimals: 3 },
    { name: BULK_RATE, decimals: 0 },
    { name: IDLE_P50, decimals: 3 },
    { name: IDLE_P99, decimals: 3 },
  ],
  aims: [
    aim(P50, "at most", 1.5),
    aim(P99, "at most", 1.5),
    aim(P50, "at most", 1, ERLANG),
    aim(P99, "at most", 1, ERLANG),
    aim(BULK_RATE, "at least", 0.8),
  ],
  prepare,
  measure,
};

/** The two processes of a contestant. */
interface Pair extends AsyncDisposable {
  readonly pids: readonly number[];
  pings(durationMs: number): Promise<CallRate>;
  /** Starts to send large messages, until it is disposed of. */
  bulk(): Promise<unknown>;
  count(): Promise<BulkCount>;
  reset(): Promise<unknown>;
}

/** Why the peers cannot run, or nothing. */
let peersMissing: string | undefined;

async function prepare(
  chosen: readonly string[],
  say: RunOptions["say"],
): Promise<AsyncDisposable> {
  const needed = chosen.some((name) => holCatalogue[name]?.isPeer === true);
  peersMissing = needed ? await installPeers(say) : undefined;
  return { [Symbol.asyncDispose]: () => Promise.resolve() };
}

async function measure(contestant: string, { quick }: RunOptions): Promise<readonly Reading[]> {
  if (holCatalogue[contestant]?.isPeer === true && peersMissing !== undefined) {
    throw new Unavailable(peersMissing);
  }
  await using pair = contestant === ERLANG ? await erlang() : await nodes(contestant);
  const scale = quick ? QUICK : 1;
  await pair.pings(IDLE_MS * scale);
  await quietMoment();
  const foreignIdle = watchForeign(pair.pids);
  const idle = await pair.pings(IDLE_MS * scale);
  const disturbedIdle = foreignIdle();
  await quietMoment();
  await pair.bulk();
  await pair.pings(WARM_UP_MS * scale);
  await pair.reset();
  const foreign = watchForeign(pair.pids);
  const busy = await pair.pings(MEASURE_MS * scale);
  const { count, elapsedMs } = await pair.count();
  const disturbed = foreign();
  const reading = (name: string, value: number, share: number | undefined): Reading => ({
    contestant,
    measure: name,
    value,
    ...(share === undefined ? {} : { foreign: share }),
  });
  return [
    reading(P50, busy.p50Us / 1_000, disturbed),
    reading(P99, busy.p99Us / 1_000, disturbed),
    // From the first to the last that arrived: the first is not part of that time.
    reading(BULK_RATE, ((count - 1) * BULK.length) / 1_000 / elapsedMs, disturbed),
    reading(IDLE_P50, idle.p50Us / 1_000, disturbedIdle),
    reading(IDLE_P99, idle.p99Us / 1_000, disturbedIdle),
  ];
}

async function nodes(contestant: string): Promise<Pair> {
  const ports = (await freePorts(3)) as unknown as Ports;
  const worker = new URL("./worker.ts", import.meta.url);
  const server = new WorkerProcess<Order>(worker);
  const client = new WorkerProcess<Order>(worker);
  const pair: Pair = {
    pids: [server.pid, client.pid],
    pings: async (durationMs) => (await client.ask({ type: "pings", durationMs })) as CallRate,
    bulk: () => client.ask({ type: "bulk", outstanding: OUTSTANDING }),
    count: async () => (await server.ask({ type: "count" })) as BulkCount,
    reset: () => server.ask({ type: "reset" }),
    async [Symbol.asyncDispose]() {
      await client[Symbol.asyncDispose]();
      await server[Symbol.asyncDispose]();
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

async function erlang(): Promise<Pair> {
  const pair = await erlangPair();
  return {
    pids: pair.pids,
    pings: async (durationMs) =>
      (await pair.ask(`calls small_bytes 1 ${durationMs} 1`)) as unknown as CallRate,
    bulk: () => pair.ask("bulk"),
    count: async () => (await pair.ask("count")) as unknown as BulkCount,
    reset: () => pair.ask("reset"),
    [Symbol.asyncDispose]: () => pair[Symbol.asyncDispose](),
  };
}
