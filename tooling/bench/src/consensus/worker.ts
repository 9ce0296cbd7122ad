/** One voter in a process of its own: an overlay, a durable log, the replicated store. */
import {
  createGroupEngine,
  createStoreMachine,
  messengerLink,
  openGroup,
} from "@foundation/consensus";
import { createBoot, nodeRandom, openDataDirectory, silentLogger } from "@foundation/core";
import { createOverlay } from "@foundation/overlay";
import { systemMs } from "../processes/system-time.js";
import { countingStorage } from "./counting-storage.js";
import { load } from "./load.js";
import type { Heard, Kind, MemberTask, Told } from "./messages.js";
import { KEYS, VALUE_BYTES } from "./wrk.js";

const GROUP = "bench";
/** A probe that hangs in a dead leader must not wait longer than the next one leads. */
const PROBE_MS_MAX = 20_000;

const tell = (message: Heard): void => void process.send?.(message);
// Nobody is left to end this process.
process.on("disconnect", () => process.exit(0));

const { index, ids, ports, folder } = JSON.parse(process.argv[2] ?? "{}") as MemberTask;
const id = ids[index];
if (id === undefined) throw new Error(`There is no voter ${index}`);
const random = nodeRandom();
const { storage, fsyncs } = countingStorage(await openDataDirectory(folder));
const runtime = { logger: silentLogger(), storage };
const overlay = await createOverlay({
  cluster: "consensus-bench",
  secret: "the benchmark needs no secret secret",
  identity: { id, boot: createBoot(Date.now(), random), name: `voter-${index}` },
  port: ports[index] ?? 0,
  peers: ports.filter((_, i) => i !== index).map((port) => `ws://127.0.0.1:${port}`),
  topology: "full-mesh",
  runtime,
});
const machine = createStoreMachine();
const { messenger, membership } = overlay;
const group = await openGroup({
  group: GROUP,
  link: messengerLink({ messenger, membership, group: GROUP }),
  machine,
  storage,
  firstVoters: ids,
  runtime,
});
const engine = createGroupEngine({ group, machine });
const value = new Uint8Array(VALUE_BYTES).fill(118);
let probing = false;

process.on("message", (told: Told) => {
  if (told.type === "load") void runLoad(told.kind, told.clients, told.forMs);
  else if (told.type === "probe") void probe();
  else if (told.type === "stop-probe") probing = false;
  else tell({ type: "counted", fsyncs: fsyncs() });
});
void follow();
tell({ type: "up" });

async function follow(): Promise<void> {
  for await (const { leader } of group.watchStatus()) tell({ type: "leader", id: leader, index });
}

async function runLoad(kind: Kind, clients: number, forMs: number): Promise<void> {
  const found = await load(clients, forMs, kind === "write" ? write : read);
  tell({ type: "loaded", found });
}

function key(): string {
  return `bench/${Math.floor(Math.random() * KEYS)}`;
}

function write(): Promise<unknown> {
  return engine.txn({ then: [{ type: "put", key: key(), value }] });
}

function read(): Promise<unknown> {
  return engine.txn({ then: [{ type: "range", key: key() }] });
}

async function probe(): Promise<void> {
  probing = true;
  while (probing) {
    const askedMs = systemMs();
    const isDone = await engine
      .txn({ then: [{ type: "put", key: `probe/${index}`, value }] }, { timeout: PROBE_MS_MAX })
      .then(
        () => true,
        () => false,
      );
    if (isDone) tell({ type: "wrote", atMs: systemMs(), askedMs });
  }
}
