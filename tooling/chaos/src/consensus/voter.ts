/** One voter in a process and a network namespace of its own: it does what it is asked, and says how it ended. */
import {
  createGroupEngine,
  createStoreMachine,
  messengerLink,
  openGroup,
} from "@foundation/consensus";
import type { Operation, Transaction } from "@foundation/consensus";
import {
  coreErrors,
  createBoot,
  isFoundationError,
  nodeRandom,
  openDataDirectory,
} from "@foundation/core";
import { silentLogger } from "@foundation/core";
import { createOverlay } from "@foundation/overlay";
import type { Answer, Ask, Heard, Input, Output, Told, VoterTask } from "./messages.js";
import { slowLink, slowStorage, type Slowness } from "./slow.js";

const GROUP = "chaos";
const utf8 = { encode: new TextEncoder(), decode: new TextDecoder() };

const tell = (message: Heard): void => void process.send?.(message);
// Nobody is left to end this process.
process.on("disconnect", () => process.exit(0));

const { index, ids, hosts, port, folder, starts } = JSON.parse(
  process.argv[2] ?? "{}",
) as VoterTask;
const [id, host] = [ids[index], hosts[index]];
if (id === undefined || host === undefined) throw new Error(`There is no voter ${index}`);
const disk: Slowness = { byMs: 0 };
const wire: Slowness = { byMs: 0 };
const storage = slowStorage(await openDataDirectory(folder), disk);
const runtime = { logger: silentLogger(), storage };
const overlay = await createOverlay({
  cluster: "consensus-chaos",
  secret: "the chaos needs no secret secret",
  identity: { id, boot: createBoot(starts, nodeRandom()), name: `voter-${index}` },
  host,
  port,
  peers: hosts.filter((_, i) => i !== index).map((other) => `ws://${other}:${port}`),
  topology: "full-mesh",
  runtime,
});
const machine = createStoreMachine();
const { messenger, membership } = overlay;
const link = slowLink(messengerLink({ messenger, membership, group: GROUP }), wire);
const group = await openGroup({ group: GROUP, link, machine, storage, firstVoters: ids, runtime });
const engine = createGroupEngine({ group, machine });

process.on("message", (told: Told) => {
  if (told.type === "slow-disk") disk.byMs = told.byMs;
  else if (told.type === "slow-link") wire.byMs = told.byMs;
  else void answer(told).then(tell);
});
void follow();
tell({ type: "up" });

async function follow(): Promise<void> {
  for await (const { leader, failure } of group.watchStatus()) {
    tell({ type: "leader", id: leader });
    if (failure !== undefined) tell({ type: "failed", message: failure.message });
  }
}

/** Only what says so is unknown: any other error promises that nothing was done, and is held to it. */
async function answer({ id: asked, key, input, timeoutMs }: Ask): Promise<Answer> {
  try {
    const output = await carryOut(key, input, timeoutMs);
    return {
      type: "answer",
      id: asked,
      outcome: "ok",
      ...(output === undefined ? {} : { output }),
    };
  } catch (error) {
    if (coreErrors.ERR_OUTCOME_UNKNOWN.is(error)) {
      return { type: "answer", id: asked, outcome: "unknown" };
    }
    const code = isFoundationError(error) ? error.code : String(error);
    return { type: "answer", id: asked, outcome: "not-applied", code };
  }
}

async function carryOut(key: string, input: Input, timeout: number): Promise<Output | undefined> {
  const { succeeded, results } = await engine.txn(transactionOf(key, input), { timeout });
  const [result] = results;
  switch (input.type) {
    case "get": {
      const value = result?.type === "range" ? result.pairs[0]?.value : undefined;
      return value === undefined ? null : utf8.decode.decode(value);
    }
    case "delete":
      return result?.type === "delete" && result.previous.length > 0;
    case "compareAndSet":
      return succeeded;
    default:
      return undefined;
  }
}

function transactionOf(key: string, input: Input): Transaction {
  switch (input.type) {
    case "get":
      return { then: [{ type: "range", key }] };
    case "put":
      return { then: [settingOf(key, input.value)] };
    case "delete":
      return { then: [{ type: "delete", key }] };
    case "compareAndSet": {
      const { expected, value } = input;
      const comparison =
        expected === null
          ? ({ key, target: "version", is: "=", than: 0 } as const)
          : ({ key, target: "value", is: "=", than: utf8.encode.encode(expected) } as const);
      return { if: [comparison], then: [settingOf(key, value)] };
    }
    default:
      return input satisfies never;
  }
}

function settingOf(key: string, value: string | null): Operation {
  if (value === null) return { type: "delete", key };
  return { type: "put", key, value: utf8.encode.encode(value) };
}
