/**
 * The overlay suite: two processes, one channel. Events of 100 bytes and of 10 KB, and requests with
 * 1 and with 100 under way, beside bare connections, JavaScript's frameworks and distributed Erlang.
 *
 * Events are counted where they arrive, from the first to the last; the sender obeys the
 * contestant's own backpressure. What is sustained is measured: everything is warmed up first.
 */
import { catalogue } from "../contestants/catalogue.js";
import { BYTES, type PayloadKind } from "../contestants/payloads.js";
import { processorMicrosOf, quietMoment, watchForeign } from "../noise.js";
import { installPeers } from "../processes/install-peers.js";
import { Unavailable, type Aim, type Reading, type RunOptions, type Suite } from "../suite.js";
import type { CallRate } from "./latencies.js";
import { ERLANG, ERLANG_BYTES, pairOf, type Pair } from "./pair.js";
import type { Count } from "./worker.js";

const OURS = "foundation";
const OURS_TLS = "foundation-tls-psk";
/** A bare connection with batched msgpackr records: as fast as one can be without doing anything. */
const LIMIT = "ws-records-batched";
const MOLECULER = ["moleculer-0.15-tcp", "moleculer-0.14-tcp"];
const ERLANGS = [ERLANG, ERLANG_BYTES];
const JAVASCRIPT_PEERS = Object.keys(catalogue).filter(
  (name) => ![OURS, OURS_TLS, LIMIT].includes(name),
);

const EVENTS = "events/s";
const CALLS_1 = "calls/s, 1 in flight";
const P50_1 = "p50 µs, 1 in flight";
const P99_1 = "p99 µs, 1 in flight";
const CALLS_100 = "calls/s, 100 in flight";
const P50_100 = "p50 µs, 100 in flight";
const P99_100 = "p99 µs, 100 in flight";
const BYTES_EVENTS = "10 KB bytes/s";
const BYTES_MB = "MB/s";
const OBJECTS_EVENTS = "10 KB objects/s";
/** Of all its processes together: says more than rates on a machine that is not quiet. */
const CPU = "CPU µs/event";
const MEMORY_SENDER = "MiB, sender";
const MEMORY_RECEIVER = "MiB, receiver";

const WARM_UP_MS = 1_500;
const MEASURE_MS = 1_000;
const QUICK = 0.2;
/** The count stands still for so many looks of this length when everything has arrived. */
const SETTLED_LOOKS = 3;
const LOOK_MS = 50;

const atLeast = (measure: string, target: number, against: Aim["against"]): Aim => ({
  measure,
  of: OURS,
  ...(against === undefined ? {} : { against }),
  bound: "at least",
  target,
  beside: [OURS_TLS],
});

export const overlaySuite: Suite = {
  name: "overlay",
  contestants: [...Object.keys(catalogue), ...ERLANGS],
  measures: [
    ...[EVENTS, CALLS_1, P50_1, P99_1, CALLS_100, P50_100, P99_100].map(whole),
    ...[BYTES_EVENTS, BYTES_MB, OBJECTS_EVENTS].map(whole),
    { name: CPU, decimals: 2 },
    ...[MEMORY_SENDER, MEMORY_RECEIVER].map(whole),
  ],
  aims: [
    atLeast(EVENTS, 0.7, LIMIT),
    atLeast(EVENTS, 15, MOLECULER),
    atLeast(EVENTS, 3, ERLANGS),
    atLeast(CALLS_100, 0.6, LIMIT),
    atLeast(CALLS_100, 3, MOLECULER),
    atLeast(CALLS_100, 3, ERLANGS),
    atLeast(CALLS_100, 3, "nats"),
    { ...atLeast(P50_1, 1.5, LIMIT), bound: "at most" },
    atLeast(BYTES_EVENTS, 1, ERLANG),
    ...JAVASCRIPT_PEERS.map((peer) => atLeast(OBJECTS_EVENTS, 1.3, peer)),
  ],
  prepare,
  measure,
};

/** Why the peers cannot run, or nothing. */
let peersMissing: string | undefined;

async function prepare(
  chosen: readonly string[],
  say: RunOptions["say"],
): Promise<AsyncDisposable> {
  const needed = chosen.some((name) => catalogue[name]?.isPeer === true);
  peersMissing = needed ? await installPeers(say) : undefined;
  return { [Symbol.asyncDispose]: () => Promise.resolve() };
}

async function measure(contestant: string, { quick }: RunOptions): Promise<readonly Reading[]> {
  if (catalogue[contestant]?.isPeer === true && peersMissing !== undefined) {
    throw new Unavailable(peersMissing);
  }
  await using pair = await pairOf(contestant);
  const sheet = new Sheet(contestant, pair);
  const scale = quick ? QUICK : 1;
  const warmUpMs = WARM_UP_MS * scale;
  const measureMs = MEASURE_MS * scale;
  // Each way of calling is warmed up by itself: what was compiled for batches is compiled anew for
  // single messages.
  await pair.calls(1, warmUpMs);
  const one = await sheet.undisturbed(() => pair.calls(1, measureMs));
  sheet.addCalls(one, [CALLS_1, P50_1, P99_1]);
  await pair.calls(100, warmUpMs);
  const hundred = await sheet.undisturbed(() => pair.calls(100, measureMs));
  sheet.addCalls(hundred, [CALLS_100, P50_100, P99_100]);
  for (const kind of pair.carries) {
    const { count, elapsedMs, cpuUs } = await eventsOf(pair, sheet, kind, warmUpMs, measureMs);
    const perSecond = (count / elapsedMs) * 1_000;
    if (kind === "small") {
      sheet.add(EVENTS, perSecond);
      sheet.add(CPU, cpuUs / count);
    } else if (kind === "objects") sheet.add(OBJECTS_EVENTS, perSecond);
    else {
      sheet.add(BYTES_EVENTS, perSecond);
      sheet.add(BYTES_MB, (perSecond * BYTES) / 1e6);
    }
  }
  const [sender, receiver] = await pair.memory();
  sheet.add(MEMORY_SENDER, sender);
  sheet.add(MEMORY_RECEIVER, receiver);
  return sheet.readings;
}

/** Collects the readings of one contestant, with how much of the processors others used meanwhile. */
class Sheet {
  readonly readings: Reading[] = [];
  readonly #contestant: string;
  readonly #pair: Pair;
  #foreign: number | undefined;

  constructor(contestant: string, pair: Pair) {
    this.#contestant = contestant;
    this.#pair = pair;
  }

  /** Measures in a quiet moment, or when patience for one has ended. */
  async undisturbed<T>(take: () => Promise<T>): Promise<T> {
    await quietMoment();
    const foreign = watchForeign(this.#pair.pids);
    const taken = await take();
    this.#foreign = foreign();
    return taken;
  }

  add(measure: string, value: number): void {
    const foreign = this.#foreign === undefined ? {} : { foreign: this.#foreign };
    this.readings.push({ contestant: this.#contestant, measure, value, ...foreign });
  }

  addCalls({ perSecond, p50Us, p99Us }: CallRate, names: readonly [string, string, string]): void {
    this.add(names[0], perSecond);
    this.add(names[1], p50Us);
    this.add(names[2], p99Us);
  }
}

async function eventsOf(
  pair: Pair,
  sheet: Sheet,
  kind: PayloadKind,
  warmUpMs: number,
  measureMs: number,
): Promise<Count & { readonly cpuUs: number }> {
  await pair.events(kind, warmUpMs);
  await settled(pair);
  await pair.reset();
  return sheet.undisturbed(async () => {
    const before = cpuOf(pair);
    await pair.events(kind, measureMs);
    const arrived = await settled(pair);
    return { ...arrived, cpuUs: cpuOf(pair) - before };
  });
}

function cpuOf({ pids }: Pair): number {
  return pids.reduce((sum, pid) => sum + (processorMicrosOf(pid) ?? Number.NaN), 0);
}

/** The count once nothing arrives any more. */
async function settled(pair: Pair): Promise<Count> {
  let last = await pair.count();
  for (let still = 0; still < SETTLED_LOOKS; ) {
    await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    const next = await pair.count();
    still = next.count === last.count ? still + 1 : 0;
    last = next;
  }
  return last;
}

function whole(name: string): { readonly name: string; readonly decimals: number } {
  return { name, decimals: 0 };
}
