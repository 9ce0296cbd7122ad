/**
 * What discovery on Kubernetes costs in a large service: for the table of strategies and its aims.
 *
 * The whole strategy runs, from the bytes of the API to the set that it yields, against the fake server in memory in
 * virtual time. Measured is CPU, not the clock on the wall: it says the same on a busy machine.
 */
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { nodeClock, type FoundationError, type PeerSet } from "@foundation/core";
import { discoveryContext, virtualClock } from "@foundation/core/testing";
import { kubernetes } from "../../src/kubernetes/kubernetes.js";
import { watchPeers } from "../../src/kubernetes/watch-peers.js";
import { FakeKubernetes } from "./fake-kubernetes.js";
import { endpointSlice, type FakeObject, type FakePod } from "./fake-objects.js";
import { connectTo, IN_MEMORY } from "./in-memory.js";
import { serveFakeKubernetes } from "./serve-fake.js";

export interface KubernetesCosts {
  readonly endpoints: number;
  readonly slices: number;
  /** CPU of one update from the event's bytes to the new set: the median and the worst of `updates`. */
  readonly updateMs: { readonly median: number; readonly worst: number; readonly updates: number };
  /** CPU of the first list of all. */
  readonly listMs: number;
}

export interface KubernetesMemory {
  readonly endpoints: number;
  readonly resyncs: number;
  /** How much the heap grew from the first tenth of the resyncs to the end, after garbage collection. */
  readonly grownBytes: number;
}

const PER_SLICE = 100;

/** What an update costs among so many endpoints. @throws when an update is not seen */
export async function measureUpdates(endpoints = 10_000, updates = 50): Promise<KubernetesCosts> {
  const fake = new FakeKubernetes({ clock: virtualClock() });
  const slices = Math.ceil(endpoints / PER_SLICE);
  for (let n = 0; n < slices; n += 1) fake.put(sliceOf(n, PER_SLICE));
  const run = start(fake);
  const listMs = await cpuMs(() => run.until((set) => set.peers.length === slices * PER_SLICE));
  const costs: number[] = [];
  for (let n = 0; n < updates; n += 1) {
    // One pod leaves a slice, or comes back to it.
    const slice = (n >> 1) % slices;
    const size = n % 2 === 0 ? PER_SLICE - 1 : PER_SLICE;
    const expected = (slices - 1) * PER_SLICE + size;
    fake.put(sliceOf(slice, size));
    costs.push(await cpuMs(() => run.until((set) => set.peers.length === expected)));
  }
  await run.stop();
  costs.sort((a, b) => a - b);
  const [median = 0, worst = 0] = [costs[costs.length >> 1], costs.at(-1)];
  return { endpoints: slices * PER_SLICE, slices, listMs, updateMs: { median, worst, updates } };
}

export interface KubernetesJoins {
  /** Milliseconds on the wall from the server's write to the set that has the pod, over HTTPS. */
  readonly medianMs: number;
  readonly worstMs: number;
  /** Requests while the pods joined: a watch needs none. */
  readonly requests: number;
}

/** How soon joins are seen over real sockets. Says little while the machine is busy, but bounds it. */
export async function measureJoins(joins = 20): Promise<KubernetesJoins> {
  const clock = nodeClock();
  const fake = new FakeKubernetes({ clock });
  fake.put(sliceOf(0, 1));
  const served = await serveFakeKubernetes(fake);
  const { server, directory: serviceAccountDirectory } = served;
  const abort = new AbortController();
  const context = discoveryContext({ cluster: "shop", clock, signal: abort.signal });
  const strategy = kubernetes({ server, serviceAccountDirectory });
  const took: number[] = [];
  let startedAtMs = 0;
  let requests = 0;
  try {
    for await (const { peers } of strategy.discover(context)) {
      if (peers.length === 1) {
        while (fake.watching === 0) await clock.sleep(1);
        requests = fake.requests.length;
      } else {
        took.push(clock.now() - startedAtMs);
      }
      if (took.length === joins) break;
      startedAtMs = clock.now();
      fake.put(sliceOf(0, peers.length + 1));
    }
    requests = fake.requests.length - requests;
  } finally {
    abort.abort();
    await served.close();
  }
  took.sort((a, b) => a - b);
  return { medianMs: took[took.length >> 1] ?? 0, worstMs: took.at(-1) ?? 0, requests };
}

/** Whether memory stays flat while the history is cut off and everything is listed again. */
export async function measureResyncs(endpoints = 500, resyncs = 1_000): Promise<KubernetesMemory> {
  const fake = new FakeKubernetes({ clock: virtualClock() });
  const slices = Math.ceil(endpoints / PER_SLICE);
  for (let n = 0; n < slices; n += 1) fake.put(sliceOf(n, PER_SLICE));
  const run = start(fake);
  await run.until((set) => set.peers.length === slices * PER_SLICE);
  let atFirst = 0;
  for (let n = 1; n <= resyncs; n += 1) {
    const size = n % 2 === 0 ? PER_SLICE : PER_SLICE - 1;
    const lists = listsOf(fake);
    fake.cut();
    fake.put(sliceOf(0, size));
    fake.store.compact();
    const expected = (slices - 1) * PER_SLICE + size;
    await run.until((set) => set.peers.length === expected && listsOf(fake) > lists);
    fake.requests.splice(0, fake.requests.length - 1);
    // A watch that lasted a while is none that goes in circles.
    await run.pass(2_000);
    run.forget();
    if (n === Math.ceil(resyncs / 10)) atFirst = heapBytes();
  }
  const grownBytes = heapBytes() - atFirst;
  await run.stop();
  return { endpoints: slices * PER_SLICE, resyncs, grownBytes };
}

function listsOf(fake: FakeKubernetes): number {
  return fake.requests.filter((each) => each.startsWith("list")).length;
}

function sliceOf(slice: number, size: number): FakeObject {
  const pods = Array.from({ length: size }, (_, i): FakePod => {
    const n = slice * PER_SLICE + i;
    return { name: `shop-${n}`, ips: [`10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`] };
  });
  return endpointSlice({ service: "shop", name: `shop-${slice}` }, pods);
}

/** The strategy as it runs; time goes on only in `until`. */
function start(fake: FakeKubernetes) {
  const clock = virtualClock();
  const abort = new AbortController();
  let newest: PeerSet = { source: "", peers: [] };
  let problems: FoundationError[] = [];
  const context = discoveryContext({
    cluster: "shop",
    clock,
    signal: abort.signal,
    report: (problem) => problems.push(problem),
  });
  const world = { environment: {}, connect: connectTo(fake) };
  const ended = (async () => {
    for await (const set of watchPeers(IN_MEMORY, context, world)) newest = set;
  })();
  return {
    until: async (isThere: (set: PeerSet) => boolean): Promise<void> => {
      for (let waits = 0; !isThere(newest); waits += 1) {
        if (waits > 100) throw new Error(`not seen; reported: ${String(problems.at(-1))}`);
        await (waits === 0 ? clock.settle() : clock.advance(250));
      }
    },
    pass: (ms: number): Promise<void> => clock.advance(ms),
    forget: (): void => {
      problems = [];
    },
    stop: async (): Promise<void> => {
      abort.abort();
      await clock.run(ended);
    },
  };
}

/** CPU that a piece of work takes, in milliseconds. */
async function cpuMs(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage();
  await work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

function heapBytes(): number {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  collect();
  collect();
  return process.memoryUsage().heapUsed;
}
