/**
 * The registry suite: three processes on loopback, one of which registers 100,000 names: how fast, when the others see
 * them all, look-ups, memory a name on the owner and on an observer, and how soon a node that was away has them: started
 * again empty, and cut off (stopped, declared down, going on) while as many more were registered. Beside it Erlang's
 * `global` with 1,000 names and `pg` with 10,000 joins, which are what they are used for.
 */
import { pathToFileURL } from "node:url";
import { createNodeId, nodeRandom, type NodeId } from "@foundation/core";
import { measured } from "../measured.js";
import { builtProgram } from "../processes/built-program.js";
import { systemMs } from "../processes/system-time.js";
import { WorkerProcess } from "../processes/worker-process.js";
import type { Aim, Benchmark, Measure, Reading, Suite } from "../suite.js";
import { erlangReading, GLOBAL, PG } from "./erlang.js";
import { ORDERS, type LookupOrder, type Lookups } from "./lookups.js";
import type { Registered, Started } from "./node.js";
import type { Order } from "./worker.js";

const OURS = "foundation";
const NAMES = 100_000;
const QUICK_NAMES = 10_000;
const PROCESSES = 1_000;
const WARM_UP = 5_000;

export const RATE = "registrations/s";
export const VISIBLE = "ms until the others see all";
const CPU = "CPU µs a registration, owner";
const LOOKUPS: Readonly<Record<LookupOrder, string>> = {
  uniform: "lookups/s, uniformly drawn",
  zipf: "lookups/s, Zipf",
  sequential: "lookups/s, sequential",
};
/** The same keys in a map of the language, in the same process: what no registry can exceed. */
const bareOf = (order: LookupOrder) => `${LOOKUPS[order]}, bare Map`;
const shareOf = (order: LookupOrder) => `${LOOKUPS[order]}, share of bare Map`;
const SELECT = "ms, select of 10 names";
const OWNER = "bytes a name, owner";
const OBSERVER = "bytes a name, observer";
const EMPTY = "ms, re-sync of a node started empty";
const CUT = "ms, re-sync of a node cut off";

const measures: readonly Measure[] = [
  { name: RATE, decimals: 0 },
  { name: VISIBLE, decimals: 0 },
  { name: CPU, decimals: 2 },
  ...ORDERS.flatMap((order) => [
    { name: LOOKUPS[order], decimals: 0 },
    { name: bareOf(order), decimals: 0 },
    { name: shareOf(order), decimals: 2 },
  ]),
  { name: SELECT, decimals: 2 },
  ...[OWNER, OBSERVER, EMPTY, CUT].map((name) => ({ name, decimals: 0 })),
];

const aims: readonly Aim[] = [
  { measure: RATE, of: OURS, bound: "at least", target: 100_000, beside: [GLOBAL, PG] },
  { measure: VISIBLE, of: OURS, bound: "at most", target: 2_000 },
  ...ORDERS.map((order): Aim => {
    return { measure: LOOKUPS[order], of: OURS, bound: "at least", target: 3_000_000 };
  }),
  { measure: OWNER, of: OURS, bound: "at most", target: 400 },
  { measure: OBSERVER, of: OURS, bound: "at most", target: 400 },
  { measure: EMPTY, of: OURS, bound: "at most", target: 2_000 },
  { measure: CUT, of: OURS, bound: "at most", target: 2_000 },
];

type Worker = WorkerProcess<Order>;

export const registrySuite: Benchmark = {
  name: "registry",
  run: (options) => measured(suiteOf()).run(options),
};

function suiteOf(): Suite {
  let program: URL | undefined;
  return {
    name: "registry",
    contestants: [OURS, GLOBAL, PG],
    measures,
    aims,
    async prepare() {
      const built = await builtProgram(new URL("./worker.ts", import.meta.url));
      program = pathToFileURL(built.file);
      return built;
    },
    async measure(contestant, { quick }) {
      const readings: Reading[] = [];
      const read = (measure: string, value: number) =>
        void readings.push({ contestant, measure, value });
      if (contestant === GLOBAL || contestant === PG) {
        const { perSecond, visibleMs } = await erlangReading(contestant);
        read(RATE, perSecond);
        read(VISIBLE, visibleMs);
      } else if (program !== undefined) {
        await using town = await Town.start(program);
        await measureOurs(town, quick ? QUICK_NAMES : NAMES, quick ? 200 : 1_000, read);
      }
      return readings;
    },
  };
}

async function measureOurs(
  town: Town,
  names: number,
  forMs: number,
  read: (measure: string, value: number) => void,
): Promise<void> {
  const [owner, observer] = town.workers as [Worker, Worker, Worker];
  const others = () => town.workers.slice(1);
  await owner.ask({ type: "spawn", count: PROCESSES });
  await owner.ask({ type: "register", prefix: "warm", from: 0, to: WARM_UP });
  await owner.ask({ type: "unregister", prefix: "warm", count: WARM_UP });
  await allSeen(others(), 0);
  const before = await heaps(owner, observer);

  const seen = allSeen(others(), names);
  const order = { type: "register", prefix: "first", from: 0, to: names } as const;
  const registered = (await owner.ask(order)) as Registered;
  read(RATE, (names * 1_000) / registered.ms);
  read(VISIBLE, (await seen) - registered.beganAtMs);
  read(CPU, (registered.cpuMs * 1_000) / names);

  const after = await heaps(owner, observer);
  read(OWNER, (after.owner - before.owner) / names);
  read(OBSERVER, (after.observer - before.observer) / names);
  const lookups = { type: "lookups", prefix: "first", names, forMs: forMs / 2 } as const;
  const found = (await observer.ask(lookups)) as Readonly<Record<LookupOrder, Lookups>>;
  for (const order of ORDERS) {
    const { ours, bare } = found[order];
    read(LOOKUPS[order], ours);
    read(bareOf(order), bare);
    read(shareOf(order), ours / bare);
  }
  read(SELECT, (await observer.ask({ type: "select", prefix: "first" })) as number);

  const beganAtMs = await town.restartLast();
  read(EMPTY, (await allSeen(others(), names)) - beganAtMs);
  read(CUT, await town.cutLast(owner, { ...order, prefix: "second" }, 2 * names));
}

async function heaps(owner: Worker, observer: Worker) {
  const [ofOwner, ofObserver] = await Promise.all(
    [owner, observer].map((worker) => worker.ask({ type: "heap" })),
  );
  return { owner: ofOwner as number, observer: ofObserver as number };
}

/** When the last of them knew so many names. */
async function allSeen(workers: readonly Worker[], names: number): Promise<number> {
  const times = await Promise.all(workers.map((worker) => worker.ask({ type: "seen", names })));
  return Math.max(...(times as number[]));
}

/** Three nodes that know each other. */
class Town implements AsyncDisposable {
  readonly #program: URL;
  readonly #ids: readonly NodeId[];
  readonly #addresses: string[] = [];
  workers: Worker[] = [];

  private constructor(program: URL) {
    this.#program = program;
    this.#ids = Array.from({ length: 3 }, () => createNodeId(nodeRandom()));
  }

  static async start(program: URL): Promise<Town> {
    const town = new Town(program);
    try {
      for (let place = 0; place < 3; place += 1) await town.#boot(place);
      await town.#allListed(town.workers, 3);
      return town;
    } catch (error) {
      await town[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Kills the last node and starts it again with nothing; answers when it began to connect. */
  async restartLast(): Promise<number> {
    await this.workers.pop()?.[Symbol.asyncDispose]();
    await this.#allListed(this.workers, 2);
    return (await this.#boot(2)).beganAtMs;
  }

  /** Stops the last node until it is declared down and others went on; how long it took to know all. */
  async cutLast(owner: Worker, meanwhile: Order, names: number): Promise<number> {
    const last = this.workers[2] as Worker;
    process.kill(last.pid, "SIGSTOP");
    await this.#allListed(this.workers.slice(0, 2), 2);
    await owner.ask(meanwhile);
    const seen = allSeen([last], names);
    const goesOnAtMs = systemMs();
    process.kill(last.pid, "SIGCONT");
    return (await seen) - goesOnAtMs;
  }

  async #boot(place: number): Promise<Started> {
    const worker: Worker = new WorkerProcess<Order>(this.#program);
    this.workers[place] = worker;
    const peers = this.#addresses.filter((_, i) => i !== place);
    const id = this.#ids[place] as NodeId;
    const started = (await worker.ask({ type: "start", id, peers })) as Started;
    this.#addresses[place] = started.address;
    return started;
  }

  async #allListed(workers: readonly Worker[], count: number): Promise<void> {
    await Promise.all(workers.map((worker) => worker.ask({ type: "members", count })));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.workers.map((worker) => worker[Symbol.asyncDispose]()));
  }
}
