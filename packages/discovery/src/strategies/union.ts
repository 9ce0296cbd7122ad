/**
 * union: several strategies at once; a peer that one of them knows is a peer.
 *
 * The first set comes when each has answered or failed once, or a while after somebody was found, lest one that hangs hide
 * whom the others know; from then on with every change of any of them. It fails when all of them do.
 */
import type { DiscoveryContext, DiscoveryStrategy, Peer, PeerSet, Timer } from "@foundation/core";
import { discoveryLimits } from "../limits.js";
import { both } from "../protocol/peer-union.js";
import { checkChildren, nameOfAll } from "./check-children.js";
import { runChild } from "./child-run.js";
import { LatestSet } from "./latest-set.js";

/**
 * Finds what any of the strategies finds.
 *
 * @throws {ERR_INVALID_ARGUMENT} without a strategy, or with one that is none
 *
 * @example
 * ```ts
 * import { dns, staticList, union } from "@foundation/discovery"
 *
 * const strategy = union([staticList({ addresses: ["10.0.0.7:4100"] }), dns({ query: "app.internal" })])
 * ```
 */
export function union(strategies: readonly DiscoveryStrategy[]): DiscoveryStrategy {
  checkChildren("union", strategies);
  const name = nameOfAll("union", strategies);
  return { name, discover: (context) => discover(name, [...strategies], context) };
}

async function* discover(
  name: string,
  strategies: readonly DiscoveryStrategy[],
  context: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  const { signal, clock } = context;
  const sets = new Map<number, readonly Peer[]>();
  const waiting = new Set(strategies.keys());
  const troubled = new Set<number>();
  const latest = new LatestSet(name);
  let patience: Timer | undefined;
  const offer = (): void => {
    const peers = merged([...sets.values()]);
    if (waiting.size === 0) latest.put(peers);
    else if (peers.length > 0) patience ??= clock.setTimer(discoveryLimits.othersMs, endWait);
  };
  const endWait = (): void => {
    waiting.clear();
    offer();
  };
  const runs = strategies.map((strategy, index) =>
    runChild(strategy, context, signal, {
      onSet: (peers) => {
        troubled.delete(index);
        sets.set(index, peers);
        waiting.delete(index);
        offer();
      },
      onStep: () => troubled.delete(index),
      isPart: () => strategies.some((_, i) => i !== index && !troubled.has(i)),
      onProblem: () => {
        troubled.add(index);
        // Somebody who cannot answer must not hold up what the others know.
        if (waiting.delete(index) && sets.size > 0) offer();
      },
    }),
  );
  try {
    yield* latest.sets(signal);
  } finally {
    patience?.cancel();
    await Promise.all(runs);
  }
}

function merged(sets: readonly (readonly Peer[])[]): readonly Peer[] {
  const peers = new Map<string, Peer>();
  for (const peer of sets.flat()) {
    const known = peers.get(peer.address);
    peers.set(peer.address, known === undefined ? peer : both(known, peer));
  }
  return [...peers.values()];
}
