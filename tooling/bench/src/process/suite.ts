/**
 * The process suite: what a call, a cast, a start and a live process cost, beside Moleculer's actions and events and
 * Erlang's gen_server. The same object of about 100 bytes goes there and back everywhere.
 *
 * Ours copies what it passes also within one process, so that a call means the same wherever the callee runs;
 * Moleculer's local actions pass the object itself unless they are told to copy, so local calls are held against one that
 * is, and the others are shown beside. A gen_server is a process of the virtual machine, not of the
 * operating system: its figures are for comparison, no aim is held against it.
 */
import { pathToFileURL } from "node:url";
import type { Ports } from "../contestants/contestant.js";
import { measured } from "../measured.js";
import { builtProgram } from "../processes/built-program.js";
import { erlangNodes } from "../processes/erlang.js";
import { installPeers } from "../processes/install-peers.js";
import { freePorts } from "../processes/programs.js";
import { WorkerProcess } from "../processes/worker-process.js";
import { Unavailable, type Aim, type Benchmark, type Measure } from "../suite.js";
import type { Reading, Suite } from "../suite.js";
import type { Order, Rate } from "./worker.js";

const OURS = "foundation";
const MOLECULERS = ["moleculer-0.15", "moleculer-0.14"];
/** With its option that copies what is passed to an action: what ours does both ways. */
const COPYING = "moleculer-0.15-copying";
const ERLANG = "erlang";

const LOCAL = "local calls/s";
const LOCAL_1 = "local calls/s, 1 in flight";
const CASTS = "local casts/s";
const REMOTE = "remote calls/s";
const STARTS = "starts and stops/s";
const BYTES = "bytes a process";
const LOCAL_CPU = "CPU µs, local call";
const REMOTE_CPU = "CPU µs, remote call, caller";
const IN_FLIGHT = 100;
const WARM_UP = 0.5;

const measures: readonly Measure[] = [
  ...[LOCAL, LOCAL_1, CASTS, REMOTE, STARTS, BYTES].map((name) => ({ name, decimals: 0 })),
  { name: LOCAL_CPU, decimals: 2 },
  { name: REMOTE_CPU, decimals: 2 },
];

const aims: readonly Aim[] = [
  { measure: LOCAL, of: OURS, against: COPYING, bound: "at least", target: 1, beside: MOLECULERS },
  { measure: CASTS, of: OURS, against: MOLECULERS, bound: "at least", target: 1 },
  { measure: REMOTE, of: OURS, against: MOLECULERS, bound: "at least", target: 2 },
  { measure: STARTS, of: OURS, bound: "at least", target: 20_000, beside: [ERLANG] },
  { measure: BYTES, of: OURS, bound: "at most", target: 1_500, beside: [ERLANG] },
];

interface Scale {
  readonly forMs: number;
  readonly starts: number;
  readonly live: number;
}

const full: Scale = { forMs: 1_000, starts: 20_000, live: 100_000 };
const quick: Scale = { forMs: 200, starts: 2_000, live: 10_000 };

export const processSuite: Benchmark = {
  name: "process",
  run: (options) => measured(suiteOf()).run(options),
};

function suiteOf(): Suite {
  let program: URL | undefined;
  return {
    name: "process",
    contestants: [OURS, ...MOLECULERS, COPYING, ERLANG],
    measures,
    aims,
    async prepare(chosen, say) {
      const wanted = chosen.some((name) => name !== OURS && name !== ERLANG);
      const failed = wanted ? await installPeers(say) : undefined;
      if (failed !== undefined) say(failed);
      const built = await builtProgram(new URL("./worker.ts", import.meta.url));
      program = pathToFileURL(built.file);
      return built;
    },
    async measure(contestant, options) {
      const scale = options.quick ? quick : full;
      const readings: Reading[] = [];
      const read = (measure: string, value: number) =>
        void readings.push({ contestant, measure, value });
      // Peers are found from their own folder, so their side is not built; of ours building leaves out the loader.
      const module = contestant === OURS ? program : new URL("./worker.ts", import.meta.url);
      if (contestant === ERLANG) await ofErlang(scale, read);
      else if (module !== undefined) await ofNode(module, contestant, scale, read);
      return readings;
    },
  };
}

type Worker = WorkerProcess<Order>;
type Read = (measure: string, value: number) => void;

async function ofNode(program: URL, contestant: string, scale: Scale, read: Read): Promise<void> {
  const ports = (await freePorts(3)) as unknown as Ports;
  await using server: Worker = new WorkerProcess<Order>(program);
  await using client: Worker = new WorkerProcess<Order>(program);
  const address = (await loaded(server.ask({ type: "serve", contestant, ports }))) as string;
  await loaded(client.ask({ type: "connect", contestant, ports, address }));
  const ask = async (order: Order) => (await client.ask(order)) as Rate;
  const calls = async (where: "local" | "remote", inFlight: number) => {
    await ask({ type: "calls", where, inFlight, forMs: scale.forMs * WARM_UP });
    return ask({ type: "calls", where, inFlight, forMs: scale.forMs });
  };
  const local = await calls("local", IN_FLIGHT);
  read(LOCAL, local.perSecond);
  read(LOCAL_CPU, local.cpuMicros);
  read(LOCAL_1, (await calls("local", 1)).perSecond);
  await ask({ type: "casts", forMs: scale.forMs * WARM_UP });
  read(CASTS, (await ask({ type: "casts", forMs: scale.forMs })).perSecond);
  const remote = await calls("remote", IN_FLIGHT);
  read(REMOTE, remote.perSecond);
  read(REMOTE_CPU, remote.cpuMicros);
  if (contestant !== OURS) return;
  const atOnce = IN_FLIGHT;
  await ask({ type: "starts", count: scale.starts / 4, atOnce });
  read(STARTS, (await ask({ type: "starts", count: scale.starts, atOnce })).perSecond);
  read(BYTES, (await client.ask({ type: "live", count: scale.live })) as number);
}

async function ofErlang({ forMs, starts, live }: Scale, read: Read): Promise<void> {
  await using nodes = await erlangNodes("process_peer");
  const server = nodes.start("server", "serve", []);
  await server.answer();
  const client = nodes.start("client", "drive", ["server@127.0.0.1"]);
  await client.answer();
  const rate = async (line: string) => (await client.ask(line)).perSecond ?? Number.NaN;
  const calls = async (where: string, inFlight: number) => {
    await rate(`calls ${where} ${inFlight} ${forMs * WARM_UP}`);
    return rate(`calls ${where} ${inFlight} ${forMs}`);
  };
  read(LOCAL, await calls("local", IN_FLIGHT));
  read(LOCAL_1, await calls("local", 1));
  read(CASTS, await rate(`casts ${forMs}`));
  read(REMOTE, await calls("remote", IN_FLIGHT));
  read(STARTS, await rate(`starts ${starts}`));
  read(BYTES, (await client.ask(`live ${live}`)).bytes ?? Number.NaN);
}

/** A contestant that cannot be loaded is not available. */
async function loaded(answer: Promise<unknown>): Promise<unknown> {
  try {
    return await answer;
  } catch (error) {
    throw new Unavailable(error instanceof Error ? error.message : String(error));
  }
}
