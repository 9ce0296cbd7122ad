/**
 * What the records of several look-ups say together: the peers, what may be missing, and when to ask again. Pure.
 *
 * Invariants: an answer is whole only when every part of it was answered; one family without records is no fault where
 * the other has some; a trouble that passes never makes an empty answer.
 */
import type { Peer } from "@foundation/core";
import { peerAddressLike } from "../peer-address.js";
import type { DnsTrouble } from "./trouble.js";

/** An A or AAAA record. */
export interface AddressRecord {
  readonly address: string;
  /** Seconds. */
  readonly ttl: number;
}

/** A SRV record. */
export interface ServiceRecord {
  readonly name: string;
  readonly port: number;
}

/** What came of one look-up. */
export type DnsOutcome<Entry> =
  | { readonly records: readonly Entry[] }
  | { readonly trouble: DnsTrouble };

/** One host and what was asked of it. */
export interface HostOutcome {
  readonly name: string;
  /** @default this node's own */
  readonly port?: number;
  readonly families: readonly {
    readonly type: "A" | "AAAA";
    readonly of: DnsOutcome<AddressRecord>;
  }[];
}

/** A host's addresses; `trouble` when some or all of them are not known. */
export interface HostAddresses {
  readonly addresses: readonly AddressRecord[];
  readonly trouble?: DnsTrouble;
}

/** Puts the families of a host together. */
export function addressesOf({ name, families }: HostOutcome): HostAddresses {
  const addresses = families.flatMap(({ of }) => ("records" in of ? of.records : []));
  const troubles = families.flatMap(({ type, of }) =>
    "trouble" in of ? [{ ...of.trouble, words: `${type} ${name}: ${of.trouble.words}` }] : [],
  );
  const grave = troubles.find(isGrave);
  if (grave !== undefined) return { addresses, trouble: grave };
  // Nothing at all: that the name is unknown says more than that one family of it has no records.
  const [first] = troubles;
  return addresses.length > 0 || first === undefined
    ? { addresses }
    : { addresses, trouble: first };
}

/** True for a trouble of the server or the way to it, which says nothing about the name. */
export function isGrave(trouble: DnsTrouble | undefined): boolean {
  return trouble?.kind === "failed" || trouble?.kind === "refused";
}

/** The peers at these addresses, each once. */
export function peersAt(
  own: string,
  addresses: readonly AddressRecord[],
  port: number | undefined,
): readonly Peer[] {
  return addresses.map(({ address }) => ({ address: peerAddressLike(own, address, port) }));
}

/**
 * Of a SRV target's addresses those of one family: they are one node. IPv6 where this node is reached by it, else
 * whatever the target has, IPv4 first.
 */
export function oneFamily(
  own: string,
  records: readonly AddressRecord[],
): readonly AddressRecord[] {
  const isV6 = ({ address }: AddressRecord): boolean => address.includes(":");
  const [six, four] = [records.filter(isV6), records.filter((each) => !isV6(each))];
  const preferred = own.includes("//[") ? [six, four] : [four, six];
  return preferred.find((each) => each.length > 0) ?? [];
}

/** Milliseconds until the first of the records is out of date. */
export function expiryMs(records: readonly AddressRecord[]): number | undefined {
  const ttls = records.map(({ ttl }) => ttl).filter((ttl) => Number.isFinite(ttl) && ttl >= 0);
  return ttls.length === 0 ? undefined : ttls.reduce((a, b) => Math.min(a, b)) * 1_000;
}

/** Which records a name is asked for when nobody says: those of a service where it is written as one. */
export function typeFor(query: string): "SRV" | "auto" {
  return /^_[^.]+\._(tcp|udp|tls)(\.|$)/i.test(query) ? "SRV" : "auto";
}
