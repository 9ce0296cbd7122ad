/**
 * staticList: peers that are written down, e.g. in a file or in `FOUNDATION_PEERS`.
 *
 * The list is checked when the strategy is made, so a mistake is found at the start and not when the
 * first peer is dialled. It yields once; who of the list is up is for the overlay to find out.
 */
import type { DiscoveryContext, DiscoveryStrategy, PeerSet } from "@foundation/core";
import { parsePeerAddress } from "../protocol/peer-address.js";

/** Options of `staticList`. */
export interface StaticListOptions {
  /** `host:port`, `[v6]:port` or `ws://host:port`; the node's own address may be among them. */
  readonly addresses: readonly string[];
}

/**
 * Finds the peers of a list.
 *
 * @throws {ERR_PEER_ADDRESS} when an entry is not an address
 *
 * @example
 * ```ts
 * import { staticList } from "@foundation/discovery"
 *
 * const strategy = staticList({ addresses: ["127.0.0.1:4100", "127.0.0.1:4101"] })
 * ```
 */
export function staticList(options: StaticListOptions): DiscoveryStrategy {
  const addresses = [...new Set(options.addresses.map(parsePeerAddress))];
  return { name: "static", discover: (context) => discover(addresses, context) };
}

async function* discover(
  addresses: readonly string[],
  { signal, self }: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  if (signal.aborted) return;
  const others = addresses.filter((address) => address !== self.address);
  yield { source: "static", peers: others.map((address) => ({ address })) };
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
