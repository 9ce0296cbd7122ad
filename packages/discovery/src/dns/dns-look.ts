/**
 * dnsLook: one look at the names of `dns`: which records there are, and what that says.
 *
 * A look asks everything anew, so it sees a changed resolv.conf. It throws only where nothing at all was answered; what
 * is missing otherwise is said in `partial`.
 */
import type { DiscoveryContext, Peer } from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import {
  addressesOf,
  expiryMs,
  isGrave,
  oneFamily,
  peersAt,
  type AddressRecord,
  type DnsOutcome,
  type HostAddresses,
  type ServiceRecord,
} from "../protocol/dns/dns-answer.js";
import { dnsLimits } from "../protocol/dns/limits.js";
import { namesToTry, type SearchList } from "../protocol/dns/search.js";
import { dnsTroubleOf, type DnsTrouble } from "../protocol/dns/trouble.js";
import type { LookAnswer } from "../strategies/keep-looking.js";
import type { DnsResolver } from "./dns-resolver.js";

/** One name and what is asked of it. */
export interface DnsQuestion {
  readonly query: string;
  readonly type: "A" | "AAAA" | "SRV" | "auto";
}

/** What a look needs. */
export interface DnsLookParts {
  readonly context: DiscoveryContext;
  readonly resolver: DnsResolver;
  readonly search: SearchList;
  readonly questions: readonly DnsQuestion[];
  /** The port of A and AAAA records' hosts. @default this node's own */
  readonly port: number | undefined;
  /** Peers of a SRV record are at its target's name, which the dial resolves. */
  readonly byName: boolean;
  readonly maxIntervalMs: number;
}

/** What one question came to. */
interface Part {
  readonly peers: readonly Peer[];
  readonly records: readonly AddressRecord[];
  /** What may be missing. */
  readonly trouble?: DnsTrouble;
}

/** Looks once. @throws {ERR_LOOKUP_FAILED | ERR_LOOKUP_REFUSED} when no question was answered */
export async function dnsLook(parts: DnsLookParts): Promise<LookAnswer> {
  const found = await Promise.all(parts.questions.map((question) => ask(parts, question)));
  const peers = new Map(found.flatMap((each) => each.peers).map((peer) => [peer.address, peer]));
  const troubles = found.flatMap(({ trouble }) => (trouble === undefined ? [] : [trouble]));
  const [first] = troubles;
  const isAnswered = found.some((each) => each.peers.length > 0 || each.trouble === undefined);
  if (first !== undefined && !isAnswered) throw failure(parts, first);
  const soonestMs = expiryMs(found.flatMap(({ records }) => records));
  return {
    peers: [...peers.values()],
    ...(first === undefined ? {} : { partial: troubles.map(({ words }) => words).join("; ") }),
    ...(soonestMs === undefined ? {} : { nextMs: Math.min(soonestMs, parts.maxIntervalMs) }),
  };
}

/** Tries the names of the search list until one is there. */
async function ask(parts: DnsLookParts, question: DnsQuestion): Promise<Part> {
  const names = namesToTry(question.query, parts.search);
  let last: Part | undefined;
  for (const name of names) {
    const part =
      question.type === "SRV" ? await services(parts, name) : await hosts(parts, name, question);
    if (part.peers.length > 0 || isGrave(part.trouble)) return part;
    // A name that is there without records says more than one that is not there at all.
    if (last === undefined || part.trouble?.kind !== "no-name") last = part;
  }
  // Without records the name is there and names nobody: an answer, and a good one when a cluster begins.
  if (last?.trouble?.kind === "no-records") return { peers: [], records: [] };
  return last ?? { peers: [], records: [] };
}

async function hosts(
  { context, resolver, port }: DnsLookParts,
  name: string,
  { type }: DnsQuestion,
): Promise<Part> {
  const { addresses, trouble } = await resolveHost({ resolver, context, name, type });
  const peers = peersAt(context.self.address, addresses, port);
  return { peers, records: addresses, ...(trouble === undefined ? {} : { trouble }) };
}

async function services(parts: DnsLookParts, name: string): Promise<Part> {
  const { context, resolver } = parts;
  const outcome = await traced(context, `SRV ${name}`, () => resolver.resolveSrv(name));
  if ("trouble" in outcome) {
    const words = `SRV ${name}: ${outcome.trouble.words}`;
    return { peers: [], records: [], trouble: { ...outcome.trouble, words } };
  }
  const targets = outcome.records.slice(0, dnsLimits.targetsMax).filter(isOffered);
  const all = parts.byName
    ? targets.map((target) => named(context, target))
    : await inTurns(targets, (target) => resolveTarget(parts, target));
  const cut = outcome.records.length - dnsLimits.targetsMax;
  const words = `SRV ${name} has ${cut} targets more than the ${dnsLimits.targetsMax} that are resolved`;
  const trouble =
    cut > 0
      ? { kind: "failed" as const, words }
      : all.find((each) => each.trouble !== undefined)?.trouble;
  return {
    peers: all.flatMap(({ peers }) => peers),
    records: all.flatMap(({ records }) => records),
    ...(trouble === undefined ? {} : { trouble }),
  };
}

/** A target of "." says that the service is not offered (RFC 2782). */
function isOffered({ name }: ServiceRecord): boolean {
  return name !== "" && name !== ".";
}

function named({ self }: DiscoveryContext, { name, port }: ServiceRecord): Part {
  const host = name.replace(/\.$/, "");
  return { peers: peersAt(self.address, [{ address: host, ttl: 0 }], port), records: [] };
}

/** A target without an address is missing from the answer, whatever the reason: the SRV record says it is there. */
async function resolveTarget(parts: DnsLookParts, { name, port }: ServiceRecord): Promise<Part> {
  const { context, resolver } = parts;
  const found = await resolveHost({ resolver, context, name, type: "auto" });
  const addresses = oneFamily(context.self.address, found.addresses);
  const peers = peersAt(context.self.address, addresses, port);
  const isOfOwn = addresses[0]?.address.includes(":") === context.self.address.includes("//[");
  // The family it is reached by may only be away for now: its address there must not be taken as gone.
  if (peers.length > 0 && !isOfOwn && found.trouble !== undefined && isGrave(found.trouble)) {
    return { peers, records: addresses, trouble: found.trouble };
  }
  if (peers.length > 0) return { peers, records: addresses };
  const words = found.trouble?.words ?? `${name} has no address`;
  return { peers, records: [], trouble: { kind: "failed", words } };
}

interface HostQuestion {
  readonly resolver: DnsResolver;
  readonly context: DiscoveryContext;
  readonly name: string;
  readonly type: DnsQuestion["type"];
}

async function resolveHost(question: HostQuestion): Promise<HostAddresses> {
  const { resolver, context, name, type } = question;
  const types = (["A", "AAAA"] as const).filter((each) => type === "auto" || type === each);
  const families = await Promise.all(
    types.map(async (each) => {
      const look = () =>
        each === "A"
          ? resolver.resolve4(name, { ttl: true })
          : resolver.resolve6(name, { ttl: true });
      return { type: each, of: await traced(context, `${each} ${name}`, look) };
    }),
  );
  return addressesOf({ name, families });
}

/** One request, written down for `explain()`. */
async function traced<Entry>(
  { clock, trace }: DiscoveryContext,
  tried: string,
  look: () => Promise<readonly Entry[]>,
): Promise<DnsOutcome<Entry>> {
  const startedAtMs = clock.now();
  try {
    const records = await look();
    trace({ tried, answer: `${records.length} records`, tookMs: clock.now() - startedAtMs });
    return { records };
  } catch (error) {
    const trouble = dnsTroubleOf(error);
    trace({ tried, answer: trouble.words, tookMs: clock.now() - startedAtMs });
    return { trouble };
  }
}

/** A few at a time: a service of hundreds must not flood its name server. */
async function inTurns<T, R>(all: readonly T[], each: (one: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (let at = 0; at < all.length; at += dnsLimits.targetsAtOnceMax) {
    results.push(...(await Promise.all(all.slice(at, at + dnsLimits.targetsAtOnceMax).map(each))));
  }
  return results;
}

function failure({ questions }: DnsLookParts, { kind, words }: DnsTrouble): Error {
  const what = questions.map(({ query }) => query).join(", ");
  if (kind === "refused") {
    return discoveryErrors.ERR_LOOKUP_REFUSED(
      `DNS of ${what} was refused: ${words}. Ask a name server that answers this machine (option servers).`,
      { strategy: "dns", what, reason: words },
    );
  }
  const hint =
    kind === "no-name" ? " Check the name; a dot at its end keeps it from being searched for." : "";
  return discoveryErrors.ERR_LOOKUP_FAILED(
    `DNS of ${what} failed: ${words}.${hint} The last known peers stay on offer, and it is tried again.`,
    { strategy: "dns", reason: words },
  );
}
