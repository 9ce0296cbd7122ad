/** DiscoveryRun: one run of a strategy under test, with everything it yielded and reported. */
import { createNodeId, type FoundationError } from "@foundation/core";
import type { DiscoveryStrategy, Peer, PeerSet } from "@foundation/core/ports";
import { discoveryContext, seededRandom } from "@foundation/core/testing";
import type { ContractTime } from "../time.js";

/** What a suite knows of a strategy that runs. */
export interface DiscoveryRun {
  readonly sets: readonly PeerSet[];
  readonly problems: readonly FoundationError[];
  /** Settles when the strategy's iterable ended. */
  readonly ended: Promise<void>;
  /** True when the newest set has the address. */
  knows(address: string): boolean;
  /** Aborts, and waits for the end. */
  stop(): Promise<void>;
}

/** The address that a run announces; no test uses it for another node. */
const SELF_ADDRESS = "ws://127.0.0.1:7000";

/** The cluster's secret, for backends that anybody can write to. */
const SECRET = "a secret of the contract suite";

/** What a run needs of a fixture. */
interface Discovering {
  readonly strategy: DiscoveryStrategy;
  readonly time: ContractTime;
  readonly secrets?: readonly string[];
}

/** Starts the strategy as node `name`, whose randomness comes from that name. */
export function runDiscovery(
  { strategy, time, secrets = [SECRET] }: Discovering,
  { signal, name = "contract" }: { readonly signal?: AbortSignal; readonly name?: string } = {},
): DiscoveryRun {
  const abort = new AbortController();
  const random = seededRandom(name);
  const sets: PeerSet[] = [];
  const problems: FoundationError[] = [];
  const context = discoveryContext({
    cluster: "contract",
    self: { address: SELF_ADDRESS, name, id: createNodeId(random) },
    signal: signal ?? abort.signal,
    secrets,
    clock: time.clock,
    random,
    report: (problem) => problems.push(problem),
  });
  const ended = (async () => {
    for await (const set of strategy.discover(context)) sets.push(set);
  })();
  return {
    sets,
    problems,
    ended,
    knows: (address) => addressesOf(sets.at(-1)).includes(address),
    stop: async () => {
      abort.abort();
      await time.wait(ended);
    },
  };
}

/** The addresses of a set, sorted, without this node's own: a strategy may see its own announcement. */
export function addressesOf(set: PeerSet | undefined): readonly string[] {
  const peers: readonly Peer[] = set?.peers ?? [];
  return peers
    .map(({ address }) => address)
    .filter((address) => address !== SELF_ADDRESS)
    .sort();
}
