/**
 * The columns of the table: which of the suite's checks stand behind each promise, and what is tried where a backend
 * cannot break it by itself.
 */
import { createDiscovery } from "@foundation/discovery";
import { createNodeId, nodeRandom } from "@foundation/core";
import { recordingLogger } from "@foundation/core/testing";
import {
  discoveryChecks,
  until,
  type DiscoveryBackendSetup,
  type DiscoveryCheckName,
} from "@foundation/testkit";

/** One promise to a user. */
export interface Column {
  readonly name: string;
  /** The checks of the contract suite that prove it; those that apply to the backend are run. */
  readonly checks: readonly DiscoveryCheckName[];
  /** What is tried when none of them applies. */
  readonly otherwise?: (setup: DiscoveryBackendSetup) => Promise<void>;
}

export const columns: readonly Column[] = [
  { name: "finds 3", checks: ["finds-three"] },
  { name: "join seen", checks: ["join"] },
  { name: "leave seen", checks: ["leave"] },
  {
    name: "error keeps set",
    checks: ["error", "forbidden", "not-found", "malformed", "stale", "hang"],
  },
  { name: "empty keeps set", checks: ["empty"], otherwise: (setup) => keepsOffer(setup, "all") },
  {
    name: "partial keeps set",
    checks: ["partial"],
    otherwise: (setup) => keepsOffer(setup, "one"),
  },
  { name: "abort", checks: ["abort"] },
  { name: "backoff", checks: ["pace", "backoff"] },
];

/** What a cell says. */
export interface Cell {
  readonly column: string;
  /** The names of what was tried: checks, or `offer`, which discovery keeps by itself. */
  readonly tried: readonly string[];
  /** Why it failed; `undefined` when it did not. */
  readonly failure: string | undefined;
  /** Milliseconds in which a join was seen, of the backend's time. */
  readonly joinMs?: number;
}

/** Tries everything that stands behind the column. */
export async function fill(column: Column, setup: DiscoveryBackendSetup): Promise<Cell> {
  const checks = discoveryChecks(setup).filter(({ name }) => column.checks.includes(name));
  const tried = checks.length > 0 ? checks.map(({ name }) => name) : ["offer"];
  let joinMs: number | undefined;
  try {
    for (const check of checks) joinMs = (await check.run(setup)).joinMs ?? joinMs;
    if (checks.length === 0) {
      if (column.otherwise === undefined) throw new Error("no check applies to this backend");
      await column.otherwise(setup);
    }
  } catch (error) {
    const failure = error instanceof Error ? error.message : String(error);
    return { column: column.name, tried, failure };
  }
  return {
    column: column.name,
    tried,
    failure: undefined,
    ...(joinMs === undefined ? {} : { joinMs }),
  };
}

/** So long peers stay on offer that their backend, whose word is law, no longer names. */
const OFFER_MS = 5_000;

/**
 * Where a backend's answer that names fewer is no failure but the truth (a file removed, a goodbye), discovery itself
 * keeps them on offer for a while, and for ever while the failure detector says that they live.
 */
async function keepsOffer(setup: DiscoveryBackendSetup, gone: "all" | "one"): Promise<void> {
  const [first, second] = setup.addresses ?? ["ws://10.77.0.1:4100", "ws://10.77.0.2:4100"];
  const backend = await setup.create();
  const { clock } = backend.time;
  const discovery = createDiscovery({
    strategies: [backend.strategy],
    cluster: "contract",
    self: { id: createNodeId(nodeRandom()), address: "ws://127.0.0.1:7000", name: "matrix" },
    secrets: () => backend.secrets ?? ["a secret of the table"],
    isAlive: ({ address }) => address === first,
    forgetAfter: OFFER_MS,
    runtime: { clock, logger: recordingLogger() },
  });
  const offered = (): readonly string[] => discovery.peers().map(({ address }) => address);
  const areBoth = (): boolean => offered().includes(first) && offered().includes(second);
  try {
    await backend.add(first);
    await backend.add(second);
    await until(backend.time, "both are on offer", areBoth, setup.withinMs);
    await backend.remove(second);
    if (gone === "all") await backend.remove(first);
    await backend.time.pass(0.8 * OFFER_MS);
    if (!areBoth())
      throw new Error(`a peer was dropped at once; on offer: ${offered().join(", ")}`);
    const isGone = (): boolean => !offered().includes(second);
    const withinMs = (setup.withinMs ?? OFFER_MS) + 2 * OFFER_MS;
    await until(backend.time, "who is not alive goes from the offer", isGone, withinMs);
    if (!offered().includes(first)) throw new Error("a peer that is alive was dropped");
  } finally {
    await backend.time.wait(discovery.close());
    await backend.close();
  }
}
