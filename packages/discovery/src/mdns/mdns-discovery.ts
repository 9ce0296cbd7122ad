/** Discovery by mDNS: the shell around `MdnsCore`, which reads and writes packets and says in words what is not right. */
import type { DiscoveryContext, FoundationError, PeerSet, Timer } from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import type { DatagramNetwork, DatagramSocket, DatagramSource } from "../lan/datagram-network.js";
import { announcedOver, ownAddressOf, unreachable } from "../lan/own-address.js";
import { secretMissing, type SecretReader } from "../lan/secrets.js";
import { Arrivals } from "../protocol/lan/arrivals.js";
import type { NetworkPath } from "../protocol/lan/network-paths.js";
import { MdnsCore, type MdnsEffect, type MdnsInput } from "../protocol/mdns/mdns-core.js";
import { SERVICE } from "../protocol/mdns/records.js";
import { reportAside } from "../strategies/aside.js";
import { LatestSet } from "../strategies/latest-set.js";
import { MembershipTags } from "./membership-tag.js";
import { decodePacket, encodePacket } from "./wire.js";

/** What `mdns` makes of its options. */
export interface MdnsSettings {
  readonly interfaces: readonly string[];
  readonly families: readonly (4 | 6)[];
}

/** RFC 6762 §3, §11: the groups, the port, and 255 so that a packet from beyond a router could be told. */
const GROUPS = { 4: "224.0.0.251", 6: "ff02::fb" } as const;
const PORT = 5_353;
const TTL = 255;
const SOURCE = "mdns";

/** Finds peers over a network until the signal fires. */
export async function* discoverByMdns(
  network: DatagramNetwork,
  settings: MdnsSettings,
  secrets: SecretReader,
  context: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  if (context.signal.aborted) return;
  const run = new MdnsRun(network, settings, secrets, context);
  try {
    yield* run.sets.sets(context.signal);
  } finally {
    await run.stop();
  }
}

class MdnsRun {
  readonly sets = new LatestSet(SOURCE);
  readonly #context: DiscoveryContext;
  readonly #core: MdnsCore;
  readonly #socket: DatagramSocket;
  readonly #arrivals = new Arrivals();
  readonly #said = new Set<string>();
  readonly #tags: MembershipTags;
  #timer: Timer | undefined;
  #hasStarted = false;
  #isStopped = false;

  constructor(
    network: DatagramNetwork,
    { interfaces, families }: MdnsSettings,
    secrets: SecretReader,
    context: DiscoveryContext,
  ) {
    this.#context = context;
    this.#tags = new MembershipTags(context.cluster, secrets);
    const tags = this.#tags;
    this.#core = new MdnsCore({
      label: Buffer.from(context.random.fork("discovery.mdns.label").secret(8)).toString("hex"),
      port: ownAddressOf(context.self)?.port ?? 0,
      address: context.self.address,
      tagOf: (label) => tags.tagOf(label),
      isMember: (label, tag) => tags.isMember(label, tag),
      random: context.random.fork("discovery.mdns"),
    });
    if (tags.tagOf("") === undefined) this.#once("secret", () => secretMissing(SOURCE));
    context.draining.addEventListener("abort", this.#drain, { once: true });
    this.#socket = network.open({
      ...{
        clock: context.clock,
        port: PORT,
        interfaces,
        ttl: TTL,
        broadcast: false,
        fromPort: true,
      },
      groups: Object.fromEntries(families.map((family) => [family, GROUPS[family]])),
      received: (datagram, from) => this.#received(datagram, from),
      changed: (paths) => this.#changed(paths),
      failed: (what, error) => this.#failed(what, error),
    });
  }

  /** Says goodbye and closes. */
  async stop(): Promise<void> {
    this.#context.draining.removeEventListener("abort", this.#drain);
    this.#handle({ type: "stop" });
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#socket.close();
  }

  readonly #drain = (): void => this.#handle({ type: "draining" });

  #changed(paths: readonly NetworkPath[]): void {
    const { self, draining } = this.#context;
    const names = paths.map(({ interface: name, address }) => `${name} (${address})`).join(", ");
    this.#context.trace({ tried: `${SERVICE}`, answer: `asked over ${names || "nothing"}` });
    const problem = unreachable(SOURCE, self, paths);
    if (problem !== undefined) this.#once("unreachable", () => problem);
    const hosts = new Map(paths.map((path) => [path.key, announcedOver(path, self)] as const));
    this.#handle({ type: "paths", hosts });
    this.#hasStarted = true;
    if (draining.aborted) this.#drain();
  }

  #received(datagram: Uint8Array, { address: source, port, path }: DatagramSource): void {
    if (this.#isStopped) return;
    if (!this.#arrivals.admit(source, this.#context.clock.now())) {
      return this.#once("flood", () => flooded(source));
    }
    const packet = decodePacket(datagram);
    if (packet === undefined) return this.#once("unreadable", () => unreadable(source));
    // Answers that do not come from the port are not mDNS's (RFC 6762 §6).
    if (packet.type === "response" && port !== PORT) return;
    this.#handle({ type: "packet", packet, path: path?.key, source });
  }

  #handle(input: MdnsInput): void {
    if (this.#isStopped) return;
    this.#apply(this.#core.handle(input, this.#context.clock.now()));
  }

  #apply(effects: readonly MdnsEffect[]): void {
    const { clock } = this.#context;
    for (const effect of effects) {
      switch (effect.type) {
        case "send": {
          const path = this.#socket.paths.find(({ key }) => key === effect.path);
          if (path !== undefined) this.#socket.send(encodePacket(effect.packet), path);
          break;
        }
        case "peers":
          this.#context.trace({ tried: SERVICE, answer: `${effect.peers.length} peers` });
          this.sets.put(effect.peers);
          break;
        case "conflict":
          this.#context.trace({ tried: SERVICE, answer: `a conflict: now named ${effect.label}` });
          break;
        case "stranger": {
          const [host = "", { cluster }] = [effect.candidate.hosts[0], this.#context];
          this.#context.trace({ tried: SERVICE, answer: `a stranger at ${host}` });
          this.#once("stranger", () => stranger(`${host}:${effect.candidate.port}`, cluster));
          break;
        }
        case "timer":
          this.#timer?.cancel();
          if (!Number.isFinite(effect.atMs)) break;
          this.#timer = clock.setTimer(Math.max(0, effect.atMs - clock.now()), () =>
            this.#handle({ type: "tick" }),
          );
          break;
        default:
          effect satisfies never;
      }
    }
  }

  #failed(what: string, error: Error): void {
    const problem = discoveryErrors.ERR_LAN_UNUSABLE(
      `mDNS failed at ${what}: ${error.message}. It is tried again by itself; peers that were found stay on offer.`,
      { strategy: SOURCE, what, reason: error.message },
      error,
    );
    // Of what is tried again nobody hears whether it worked: whether peers are heard says that.
    if (this.#hasStarted) reportAside(this.#context, problem);
    else this.#context.report(problem);
    // A machine without any network has looked: there is nobody.
    if (!this.#hasStarted) this.#changed([]);
  }

  #once(kind: string, problem: () => Error): void {
    if (this.#said.has(kind)) return;
    this.#said.add(kind);
    this.#context.report(problem() as FoundationError);
  }
}

function stranger(source: string, cluster: string): Error {
  return discoveryErrors.ERR_LAN_STRANGER(
    `A node at ${source} announces itself on this network with another secret, or for another cluster than "${cluster}". ` +
      "It is not dialled. If it should be a member, set the same FOUNDATION_SECRET and FOUNDATION_NAME on both nodes.",
    { strategy: SOURCE, source },
  );
}

function unreadable(source: string): Error {
  return discoveryErrors.ERR_LAN_UNREADABLE(
    `A datagram of ${source} to port ${PORT} is no DNS packet; it was dropped, as will be others. Peers are still found.`,
    { strategy: SOURCE, source },
  );
}

function flooded(source: string): Error {
  return discoveryErrors.ERR_LAN_FLOODED(
    `More mDNS packets come than are read, the last one dropped from ${source}. Peers are still found, but more slowly.`,
    { strategy: SOURCE, source },
  );
}
