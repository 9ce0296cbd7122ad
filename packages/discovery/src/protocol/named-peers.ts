/**
 * What the names of a list of peers stand for, once they were looked up. Pure.
 *
 * A name with one address stays a name: it is dialled as it was written, so that a certificate can be checked against it
 * and a host may move. A name with several addresses is several nodes. A name that was never found is offered as it is:
 * somebody listed it, and the dial says what is wrong.
 */
import type { Peer } from "@foundation/core";

/** An entry of the list. */
export interface NamedPeer {
  /** As it is dialled, e.g. `ws://app.internal:4100`. */
  readonly address: string;
  readonly host: string;
}

/** What a look-up found: addresses, or why there are none. */
export type LookedUp = { readonly addresses: readonly string[] } | { readonly trouble: string };

/** The entry as a name to look up; `undefined` for an IP address and for this machine's own name. */
export function nameIn(address: string): NamedPeer | undefined {
  const host = new URL(address).hostname;
  const isAddress = host.startsWith("[") || /^[0-9.]+$/.test(host);
  return isAddress || host === "localhost" ? undefined : { address, host };
}

/** The peers an entry stands for. `wasFound`: an earlier look-up found it. */
export function peersOfName(
  { address }: NamedPeer,
  found: LookedUp,
  wasFound: boolean,
): readonly Peer[] {
  if ("trouble" in found) return wasFound ? [] : [{ address }];
  const distinct = [...new Set(found.addresses)];
  if (distinct.length === 1) return [{ address }];
  const { protocol, port } = new URL(address);
  return distinct.map((each) => {
    const host = each.includes(":") ? `[${each}]` : each;
    return { address: `${protocol}//${host}:${port}` };
  });
}
