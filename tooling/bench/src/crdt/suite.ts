/**
 * The crdt suite: a map of texts that one process holds and an empty replica in another process joins,
 * over loopback: time and bytes, writes, what arrives of running writes, memory, and a churn of keys
 * that are set and deleted. Beside automerge-repo and Yjs with y-websocket, on the same work, and a
 * table of Erlang's ETS that is copied to another node: no replicated state, but the least it could cost.
 *
 * A join is timed from the moment that the joining process, which has loaded everything, begins to
 * connect, until it has all keys: ours becomes a member of the cluster within that time.
 */
import { installPeers } from "../processes/install-peers.js";
import { erlangNodes } from "../processes/erlang.js";
import { freePorts } from "../processes/programs.js";
import { WorkerProcess } from "../processes/worker-process.js";
import { Unavailable, type Measure, type Reading, type RunOptions, type Suite } from "../suite.js";
import { catalogue } from "./contestant.js";
import { keyOf, valueOf, type Churned, type Filled, type JoinedMap, type Order } from "./worker.js";

const OURS = "foundation";
const AUTOMERGE = "automerge-repo";
const YJS = "y-websocket";
const ETS = "erlang-ets";

const SIZES = [1_000, 10_000, 100_000] as const;
/** Automerge takes minutes for the largest map; its aim is on the middle one. */
const SIZE_MAX: Readonly<Record<string, number>> = { [AUTOMERGE]: 10_000 };
const JUDGED = 10_000;
const CHURN_CYCLES = 100_000;
/** Of a process with connections under load; an entry a cycle would be 30 and 300 million. */
const HEAP_NOISE_BYTES = 6_000_000;
const LONG_CHURN_CYCLES = 1_000_000;
const QUICK_CYCLES = 5_000;

const joinMs = (size: number) => `ms, join of ${size} keys`;
const bytesOf = (size: number) => `bytes / payload, join of ${size} keys`;
const writesOf = (size: number) => `writes/s, ${size} keys`;
const memoryOf = (size: number) => `bytes a key, ${size} keys`;
const MERGES = "merges/s between two processes";
const JOIN_CPU = `CPU ms of the joiner, ${JUDGED} keys`;
const CHURN_MS = "ms, churn of 100,000 set and delete";
const CHURN_HEAP = "heap bytes grown by the churn";
/** Ours alone: it shows that nothing is kept, and would take Automerge minutes. */
const LONG_CHURN_HEAP = "heap bytes grown by a churn of 1,000,000";

const measures: readonly Measure[] = [
  ...SIZES.flatMap((size) => [
    { name: joinMs(size), decimals: 0 },
    { name: bytesOf(size), decimals: 2 },
    { name: writesOf(size), decimals: 0 },
    { name: memoryOf(size), decimals: 0 },
  ]),
  { name: MERGES, decimals: 0 },
  { name: JOIN_CPU, decimals: 0 },
  { name: CHURN_MS, decimals: 0 },
  { name: CHURN_HEAP, decimals: 0 },
  { name: LONG_CHURN_HEAP, decimals: 0 },
];

export const crdtSuite: Suite = {
  name: "crdt",
  contestants: [...Object.keys(catalogue), ETS],
  measures,
  aims: [
    { measure: joinMs(JUDGED), of: OURS, against: AUTOMERGE, bound: "at most", target: 0.2 },
    { measure: joinMs(JUDGED), of: OURS, against: YJS, bound: "at most", target: 1 },
    { measure: bytesOf(JUDGED), of: OURS, bound: "at most", target: 1.3, beside: [AUTOMERGE, YJS] },
    // Flat: the same bound for a hundred thousand cycles and for a million.
    {
      measure: CHURN_HEAP,
      of: OURS,
      bound: "at most",
      target: HEAP_NOISE_BYTES,
      beside: [AUTOMERGE, YJS],
    },
    { measure: LONG_CHURN_HEAP, of: OURS, bound: "at most", target: HEAP_NOISE_BYTES },
  ],
  async prepare(chosen, say) {
    const isPeer = (name: string) => name !== OURS && name !== ETS;
    const failed = chosen.some(isPeer) ? await installPeers(say) : undefined;
    if (failed !== undefined) say(failed);
    return { [Symbol.asyncDispose]: () => Promise.resolve() };
  },
  measure,
};

async function measure(contestant: string, options: RunOptions): Promise<readonly Reading[]> {
  if (contestant === ETS) return measureErlang(options);
  const { quick } = options;
  const readings: Reading[] = [];
  const read = (name: string, value: number) =>
    void readings.push({ contestant, measure: name, value });
  const [port = 0] = await freePorts(1);
  await using holder = await processOf(contestant);
  const address = (await holder.ask({ type: "serve", port })) as string;
  const sizes = SIZES.filter((size) => size <= (SIZE_MAX[contestant] ?? Infinity));
  for (const size of quick ? sizes.slice(0, 2) : sizes) {
    const where = (await holder.ask({ type: "hold", name: `m${size}` })) as string;
    const filled = (await holder.ask({ type: "fill", from: 0, to: size })) as Filled;
    read(writesOf(size), filled.perSecond);
    read(memoryOf(size), filled.bytesPerKey);
    await using joiner = await processOf(contestant);
    const joined = (await joiner.ask({ type: "join", address, where, keys: size })) as JoinedMap;
    read(joinMs(size), joined.ms);
    read(bytesOf(size), joined.bytes / payloadOf(size));
    if (size !== JUDGED) continue;
    read(JOIN_CPU, joined.cpuMs);
    const started = performance.now();
    const arrived = joiner.ask({ type: "await", keys: 2 * size });
    await holder.ask({ type: "fill", from: size, to: 2 * size });
    await arrived;
    read(MERGES, (size / (performance.now() - started)) * 1_000);
    const cycles = quick ? QUICK_CYCLES : CHURN_CYCLES;
    const churned = (await holder.ask({ type: "churn", cycles })) as Churned;
    read(CHURN_MS, (churned.ms * CHURN_CYCLES) / cycles);
    read(CHURN_HEAP, churned.heapGrownBytes);
    if (contestant !== OURS) continue;
    const long = quick ? 10 * QUICK_CYCLES : LONG_CHURN_CYCLES;
    const longer = (await holder.ask({ type: "churn", cycles: long })) as Churned;
    read(LONG_CHURN_HEAP, longer.heapGrownBytes);
  }
  return readings;
}

/** @throws {Unavailable} without Erlang */
async function measureErlang({ quick }: RunOptions): Promise<readonly Reading[]> {
  const readings: Reading[] = [];
  const read = (name: string, value: number | undefined) =>
    void readings.push({ contestant: ETS, measure: name, value: value ?? Number.NaN });
  await using nodes = await erlangNodes("crdt_peer");
  const holder = nodes.start("holder", "start", []);
  await holder.answer();
  for (const size of quick ? SIZES.slice(0, 2) : SIZES) {
    await holder.ask("clear");
    const filled = await holder.ask(`fill 0 ${size}`);
    read(writesOf(size), filled.perSecond);
    read(memoryOf(size), filled.bytesPerKey);
    await using joiner = nodes.start(`joiner${size}`, "start", []);
    await joiner.answer();
    const joined = await joiner.ask("join holder@127.0.0.1");
    if (joined.keys !== size) throw new Error(`${joined.keys} of ${size} keys were copied`);
    read(joinMs(size), joined.ms);
  }
  const churned = await holder.ask(`churn ${CHURN_CYCLES}`);
  read(CHURN_MS, churned.ms);
  read(CHURN_HEAP, churned.grownBytes);
  return readings;
}

async function processOf(contestant: string): Promise<WorkerProcess<Order>> {
  const worker = new WorkerProcess<Order>(new URL("./worker.ts", import.meta.url));
  try {
    await worker.ask({ type: "prepare", contestant });
    return worker;
  } catch (error) {
    await worker[Symbol.asyncDispose]();
    const reason = error instanceof Error ? error.message : String(error);
    throw new Unavailable(`${contestant} cannot be loaded: ${reason}`);
  }
}

/** Keys and values alone, as UTF-8. */
function payloadOf(size: number): number {
  let bytes = 0;
  for (let n = 0; n < size; n += 1) bytes += keyOf(n).length + valueOf(n).length;
  return bytes;
}
