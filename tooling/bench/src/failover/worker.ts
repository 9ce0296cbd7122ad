/** One node of the cluster in a process of its own: it runs processes, calls them, and moves them, as it is told. */
import { setTimeout as sleep } from "node:timers/promises";
import {
  createKernel,
  defineProcess,
  isFoundationError,
  nodeRuntime,
  parseNodeId,
  pinned,
  silentLogger,
  type NodeId,
} from "@foundation/core";
import { createOverlay } from "@foundation/overlay";
import { createRegistry } from "@foundation/registry";
import { systemMs } from "../processes/system-time.js";
import type { Called, Heard, NodeTask, Told } from "./messages.js";

const account = defineProcess({
  name: "bench.account",
  init: (args: { name: string }) => ({ name: args.name, total: 0, last: [] as number[] }),
  call: {
    add: ({ state }, by: number) => {
      state.total += by;
      state.last = [...state.last.slice(-9), by];
      return state.total;
    },
    where: ({ self }) => self.node,
  },
});

const PROBE_TIMEOUT_MS = 1_000;
const PROBE_AGAIN_MS = 20;
const LOOK_MS = 20;
const STARTS_AT_ONCE = 50;
const TICK_MS = 10;
const CALL_TIMEOUT_MS = 5_000;
const MOVE_TIMEOUT_MS = 20_000;

const tell = (message: Heard): void => void process.send?.(message);
// Nobody is left to end this process.
process.on("disconnect", () => process.exit(0));
const { peers } = JSON.parse(process.argv[2] ?? "{}") as NodeTask;
const runtime = nodeRuntime({ logger: silentLogger() });
const overlay = await createOverlay({
  cluster: "failover",
  secret: "the benchmark needs no secret secret",
  peers,
  runtime,
});
const { messenger, membership, broadcast, self } = overlay;
const kernel = createKernel({ node: self.id, boot: self.boot, runtime });
const registry = createRegistry({ messenger, membership, broadcast, kernel, runtime });
let isCalling = false;
process.on("message", (message: Told) => void serve(message));
tell({ type: "up", id: self.id, address: overlay.address });

async function serve(message: Told): Promise<void> {
  switch (message.type) {
    case "start":
      return start(message.count);
    case "meet":
      while (membership.members().length < message.members) await sleep(LOOK_MS);
      return tell({ type: "met" });
    case "know":
      while (registry.info().names < message.names) await sleep(LOOK_MS);
      return tell({ type: "known" });
    case "probe":
      return probe(message.count, message.gone);
    case "call":
      return call(message.count, message.perSecond);
    case "stop-calling":
      isCalling = false;
      return undefined;
    case "move":
      return move(message.count, parseNodeId(message.to), message.atOnce);
    default:
      return message satisfies never;
  }
}

function nameOf(index: number): string {
  return `account-${index}`;
}

async function start(count: number): Promise<void> {
  const beganMs = systemMs();
  const placement = pinned(self.id);
  const startOne = async (index: number) => {
    const name = nameOf(index);
    await registry.startProcess(account, { name }, { name, distribute: true, placement });
    await registry.process(account, name).call("add", 1);
  };
  await inTurn(count, STARTS_AT_ONCE, startOne);
  tell({ type: "started", tookMs: systemMs() - beganMs });
}

async function probe(count: number, gone: string): Promise<void> {
  const probeOne = async (index: number): Promise<number> => {
    const ref = registry.process(account, nameOf(index));
    for (;;) {
      try {
        const where = await ref.call("where", undefined, { timeout: PROBE_TIMEOUT_MS });
        if (where !== gone) return systemMs();
      } catch (error) {
        if (!isFoundationError(error)) throw error;
      }
      await sleep(PROBE_AGAIN_MS);
    }
  };
  const atMs = await Promise.all(Array.from({ length: count }, (_, index) => probeOne(index)));
  tell({ type: "answered", atMs });
}

async function call(count: number, perSecond: number): Promise<void> {
  const beganMs = systemMs();
  const refs = Array.from({ length: count }, (_, index) =>
    registry.process(account, nameOf(index)),
  );
  const failed: Record<string, number> = {};
  const tookMs: number[] = [];
  const pending = new Set<Promise<void>>();
  const callOne = async (index: number): Promise<void> => {
    const sentMs = systemMs();
    try {
      await refs[index % count]?.call("add", 1, { timeout: CALL_TIMEOUT_MS });
      tookMs.push(systemMs() - sentMs);
    } catch (error) {
      const code = isFoundationError(error) ? error.code : String(error);
      failed[code] = (failed[code] ?? 0) + 1;
    }
  };
  isCalling = true;
  let calls = 0;
  while (isCalling) {
    const due = Math.floor(((systemMs() - beganMs) * perSecond) / 1_000);
    for (; calls < due; calls++) {
      const one: Promise<void> = callOne(calls).finally(() => pending.delete(one));
      pending.add(one);
    }
    await sleep(TICK_MS);
  }
  const seconds = (systemMs() - beganMs) / 1_000;
  await Promise.all(pending);
  const sorted = tookMs.toSorted((a, b) => a - b);
  const at = (share: number) => sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
  const called: Called = {
    ...({ type: "called", calls, failed, seconds } as const),
    ...{ p99Ms: at(0.99), worstMs: at(1) },
  };
  tell(called);
}

async function move(count: number, to: NodeId, atOnce: number): Promise<void> {
  const beganMs = systemMs();
  const pausesMs: number[] = [];
  const failed: string[] = [];
  const moveOne = async (index: number): Promise<void> => {
    const migration = registry.migrate(nameOf(index), { to, timeout: MOVE_TIMEOUT_MS });
    let frozenMs = Number.NaN;
    for await (const { type } of migration.progress) {
      if (type === "frozen") frozenMs = systemMs();
      if (type === "moved") pausesMs.push(systemMs() - frozenMs);
    }
    await migration.done.catch((error: unknown) => failed.push(String(error)));
  };
  await inTurn(count, atOnce, moveOne);
  tell({ type: "moved", pausesMs, failed, tookMs: systemMs() - beganMs });
}

/** All of them, so many at a time. */
async function inTurn(
  count: number,
  atOnce: number,
  work: (index: number) => Promise<void>,
): Promise<void> {
  let next = 0;
  const lane = async () => {
    while (next < count) await work(next++);
  };
  await Promise.all(Array.from({ length: atOnce }, lane));
}
