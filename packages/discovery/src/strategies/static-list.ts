/**
 * staticList: peers that are written down, e.g. in a file or in `FOUNDATION_PEERS`.
 *
 * The list is checked when the strategy is made, so a mistake is found at the start and not when the
 * first peer is dialled. Of IP addresses it yields once; names are looked up again and again, since a
 * name may stand for several nodes. Who of the list is up is for the overlay to find out.
 */
import {
  coreErrors,
  parseDuration,
  type DiscoveryContext,
  type DiscoveryStrategy,
  type Duration,
  type Peer,
  type PeerSet,
  type Timer,
} from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import { discoveryLimits } from "../limits.js";
import { nameIn, peersOfName, type LookedUp, type NamedPeer } from "../protocol/named-peers.js";
import { parsePeerAddress } from "../protocol/peer-address.js";
import { keepLooking, type LookAnswer } from "./keep-looking.js";

/** Options of `staticList`. */
export interface StaticListOptions {
  /**
   * `host:port`, `[v6]:port` or `ws://host:port`; the node's own address may be among them. Without a scheme they are
   * dialled as this node itself is. A name with several addresses stands for a node at each.
   */
  readonly addresses: readonly string[];
  /** The least time between two look-ups of the names. @default "10s" */
  readonly interval?: Duration;
  /** Finds the addresses of a name. @default the machine's way: its hosts file, then DNS */
  readonly lookup?: (host: string) => Promise<readonly string[]>;
}

/**
 * Finds the peers of a list.
 *
 * @throws {ERR_PEER_ADDRESS} when an entry is not an address
 * @throws {ERR_INVALID_ARGUMENT} when the interval is none
 *
 * @example
 * ```ts
 * import { staticList } from "@foundation/discovery"
 *
 * const strategy = staticList({ addresses: ["127.0.0.1:4100", "nodes.internal:4100"] })
 * ```
 */
export function staticList(options: StaticListOptions): DiscoveryStrategy {
  // Checked now, with whatever scheme; which one is known when it runs.
  options.addresses.map(parsePeerAddress);
  const interval = options.interval ?? discoveryLimits.nameIntervalMs;
  const intervalMs = parseDuration(interval, "staticList.interval");
  if (intervalMs < 1) throw tooShort(intervalMs);
  return {
    name: "static",
    discover: (context) => {
      const addresses = [...new Set(options.addresses.map((each) => dialled(each, context)))];
      const names = addresses.flatMap((address) => nameIn(address) ?? []);
      const fixed = addresses.filter((address) => nameIn(address) === undefined);
      return names.length === 0
        ? once(fixed, context)
        : lookUp({ fixed, names, intervalMs, lookup: options.lookup }, context);
    },
  };
}

/** The entry as it is dialled: one without a scheme as this node itself is. */
function dialled(entry: string, { self }: DiscoveryContext): string {
  const isEncrypted = self.address.startsWith("wss://");
  return parsePeerAddress(isEncrypted && !entry.includes("://") ? `wss://${entry.trim()}` : entry);
}

async function* once(
  addresses: readonly string[],
  { signal, self }: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  if (signal.aborted) return;
  yield { source: "static", peers: peersAt(addresses, self) };
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    signal.addEventListener("abort", () => resolve(), { once: true });
  });
}

interface Names {
  readonly fixed: readonly string[];
  readonly names: readonly NamedPeer[];
  readonly intervalMs: number;
  readonly lookup: StaticListOptions["lookup"] | undefined;
}

async function* lookUp(
  { fixed, names, intervalMs, lookup }: Names,
  context: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  const find = lookup ?? (await import("../dns/machine-lookup.js")).machineLookup;
  const found = new Set<string>();
  yield* keepLooking(context, {
    source: "static",
    tries: `addresses of ${names.map(({ host }) => host).join(", ")}`,
    intervalMs,
    look: async (signal) => {
      const asked = { clock: context.clock, trace: context.trace, signal };
      const answers = await Promise.all(names.map((name) => lookUpOne(name, find, asked)));
      return answerOf(names, answers, { found, fixed, self: context.self });
    },
  });
}

async function lookUpOne(
  { host }: NamedPeer,
  find: (host: string) => Promise<readonly string[]>,
  { clock, trace, signal }: Pick<DiscoveryContext, "clock" | "trace" | "signal">,
): Promise<LookedUp> {
  const startedAtMs = clock.now();
  const step = (answer: string) =>
    trace({ tried: `lookup ${host}`, answer, tookMs: clock.now() - startedAtMs });
  const { nameTimeoutMs } = discoveryLimits;
  let timer: Timer | undefined;
  let end: () => void = () => undefined;
  // One name that hangs must not hide the others: the look as a whole would fail by its own limit.
  const late = new Promise<never>((_, reject) => {
    const trouble = new Error(`there was no answer within ${nameTimeoutMs} ms`);
    timer = clock.setTimer(nameTimeoutMs, () => reject(trouble));
    end = () => reject(new Error("it was given up"));
    signal.addEventListener("abort", end, { once: true });
  });
  try {
    const addresses = await Promise.race([find(host), late]);
    step(`${addresses.length} addresses`);
    return addresses.length === 0 ? { trouble: "it has no address" } : { addresses };
  } catch (error) {
    const { code, message } = error as { code?: string; message?: string };
    const trouble = code ?? message ?? String(error);
    step(trouble);
    return { trouble };
  } finally {
    timer?.cancel();
    signal.removeEventListener("abort", end);
  }
}

function answerOf(
  names: readonly NamedPeer[],
  answers: readonly LookedUp[],
  known: {
    readonly found: Set<string>;
    readonly fixed: readonly string[];
    readonly self: DiscoveryContext["self"];
  },
): LookAnswer {
  const peers: Peer[] = [...peersAt(known.fixed, known.self)];
  const troubles: string[] = [];
  names.forEach((name, i) => {
    const answer = answers[i] ?? { trouble: "it was not looked up" };
    const wasFound = known.found.has(name.host);
    peers.push(...peersOfName(name, answer, wasFound));
    if ("trouble" in answer) troubles.push(`${name.host}: ${answer.trouble}`);
    else known.found.add(name.host);
  });
  if (peers.length === 0 && troubles.length > 0) throw noneFound(troubles);
  return troubles.length === 0 ? { peers } : { peers, partial: troubles.join("; ") };
}

function peersAt(addresses: readonly string[], self: DiscoveryContext["self"]): readonly Peer[] {
  return addresses.filter((address) => address !== self.address).map((address) => ({ address }));
}

function noneFound(troubles: readonly string[]): Error {
  const reason = troubles.join("; ");
  return discoveryErrors.ERR_LOOKUP_FAILED(
    `No name of the list has an address: ${reason}. The last known peers stay on offer, and it is tried again.`,
    { strategy: "static", reason },
  );
}

function tooShort(intervalMs: number): Error {
  const [argument, expected, found] = ["staticList.interval", "at least 1 ms", `${intervalMs} ms`];
  return coreErrors.ERR_INVALID_ARGUMENT(`${argument} must be ${expected}, found ${found}`, {
    argument,
    expected,
    found,
  });
}
