/**
 * Discovery by gossip: the shell around `GossipCore`. It opens and seals, refuses repetitions, bounds what is read, and
 * says once, in words, what of the network is not right.
 */
import type { DiscoveryContext, FoundationError, PeerSet, Timer } from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import type { DatagramNetwork, DatagramSocket, DatagramSource } from "../lan/datagram-network.js";
import { addressOver, unreachable } from "../lan/own-address.js";
import { secretMissing, type SecretReader } from "../lan/secrets.js";
import {
  GossipCore,
  type GossipEffect,
  type GossipInput,
  type GossipSend,
} from "../protocol/gossip/gossip-core.js";
import { formatMessage, parseMessage } from "../protocol/gossip/gossip-message.js";
import { ReplayGuard } from "../protocol/gossip/replay-guard.js";
import { Arrivals } from "../protocol/lan/arrivals.js";
import type { NetworkPath } from "../protocol/lan/network-paths.js";
import { reportAside } from "../strategies/aside.js";
import { LatestSet } from "../strategies/latest-set.js";
import { DatagramSeal } from "./sealed-datagram.js";

/** What `gossip` makes of its options. */
export interface GossipSettings {
  readonly groups: { readonly 4?: string; readonly 6?: string };
  readonly port: number;
  readonly ttl: number;
  readonly interfaces: readonly string[];
  readonly broadcast: boolean;
  readonly intervalMs: number;
}

const SOURCE = "gossip";

/** Finds peers over a network until the signal fires. */
export async function* discoverByGossip(
  network: DatagramNetwork,
  settings: GossipSettings,
  secrets: SecretReader,
  context: DiscoveryContext,
): AsyncGenerator<PeerSet, void, undefined> {
  if (context.signal.aborted) return;
  const run = new GossipRun(network, settings, secrets, context);
  try {
    yield* run.sets.sets(context.signal);
  } finally {
    await run.stop();
  }
}

class GossipRun {
  readonly sets = new LatestSet(SOURCE);
  readonly #context: DiscoveryContext;
  readonly #where: string;
  readonly #core: GossipCore;
  readonly #seal: DatagramSeal;
  readonly #socket: DatagramSocket;
  readonly #guard = new ReplayGuard();
  readonly #arrivals = new Arrivals();
  readonly #said = new Set<string>();
  readonly #refused = { foreign: 0, stranger: 0, damaged: 0, repeated: 0, unreadable: 0 };
  #timer: Timer | undefined;
  #hasStarted = false;
  #isStopped = false;

  constructor(
    network: DatagramNetwork,
    settings: GossipSettings,
    secrets: SecretReader,
    context: DiscoveryContext,
  ) {
    const { groups, port, ttl, interfaces, broadcast, intervalMs } = settings;
    const random = context.random.fork(`discovery.${SOURCE}`);
    this.#context = context;
    const targets = broadcast ? ["broadcast", groups[6]] : [groups[4], groups[6]];
    this.#where = `port ${port} of ${targets.filter((each) => each !== undefined).join(" and ")}`;
    this.#seal = new DatagramSeal(context.cluster, secrets, sessionOf(context));
    this.#core = new GossipCore({ self: this.#seal.session, intervalMs, random });
    if (!this.#seal.canSeal) this.#once("secret", () => secretMissing(SOURCE));
    context.draining.addEventListener("abort", this.#drain, { once: true });
    this.#socket = network.open({
      ...{ clock: context.clock, port, groups, interfaces, ttl, broadcast, fromPort: false },
      received: (datagram, from) => this.#received(datagram, from),
      changed: (paths) => this.#changed(paths),
      failed: (what, error) => this.#failed(what, error),
    });
  }

  /** Says goodbye and closes. */
  async stop(): Promise<void> {
    this.#timer?.cancel();
    this.#context.draining.removeEventListener("abort", this.#drain);
    this.#handle({ type: "stop" });
    this.#isStopped = true;
    this.#timer?.cancel();
    await this.#socket.close();
  }

  readonly #drain = (): void => this.#handle({ type: "draining" });

  #changed(paths: readonly NetworkPath[]): void {
    const names = paths.map(({ interface: name, address }) => `${name} (${address})`).join(", ");
    this.#context.trace({
      tried: `gossip on ${this.#where}`,
      answer: `over ${names || "nothing"}`,
    });
    const problem = unreachable(SOURCE, this.#context.self, paths);
    if (problem !== undefined) this.#once("unreachable", () => problem);
    this.#handle({ type: this.#hasStarted ? "network" : "start" });
    this.#hasStarted = true;
    if (this.#context.draining.aborted) this.#drain();
  }

  #received(datagram: Uint8Array, { address: source }: DatagramSource): void {
    if (this.#isStopped) return;
    const nowMs = this.#context.clock.now();
    if (!this.#arrivals.admit(source, nowMs)) return this.#once("flood", () => flooded(source));
    const opened = this.#seal.open(datagram);
    switch (opened.type) {
      case "own":
        return;
      case "message":
        return this.#heard(opened.session, opened.counter, opened.text, source);
      case "foreign":
      case "damaged":
        this.#refused[opened.type] += 1;
        this.#once("unreadable", () => unreadable(source, this.#where));
        return this.#refuse(opened.type, source);
      case "stranger":
        this.#refused.stranger += 1;
        this.#once("stranger", () => stranger(source, this.#context.cluster));
        return this.#refuse("stranger", source);
      default:
        opened satisfies never;
    }
  }

  #heard(session: string, counter: number, text: string, source: string): void {
    if (!this.#guard.accept(session, counter)) {
      this.#refused.repeated += 1;
      return;
    }
    const message = parseMessage(text);
    if (message === undefined) {
      this.#refused.unreadable += 1;
      return this.#refuse("unreadable", source);
    }
    if (message.id !== this.#context.self.id) this.#handle({ type: "heard", session, message });
  }

  #handle(input: GossipInput): void {
    if (this.#isStopped) return;
    const { clock } = this.#context;
    this.#apply(this.#core.handle(input, clock.now(), clock.wallNow()));
  }

  #apply(effects: readonly GossipEffect[]): void {
    const { clock } = this.#context;
    for (const effect of effects) {
      switch (effect.type) {
        case "send":
          this.#send(effect);
          break;
        case "peers":
          this.#context.trace({
            tried: `gossip on ${this.#where}`,
            answer: `${effect.peers.length} peers`,
          });
          this.sets.put(effect.peers);
          break;
        case "ended":
          this.#guard.end(effect.session);
          break;
        case "timer":
          this.#timer?.cancel();
          this.#timer = clock.setTimer(Math.max(0, effect.atMs - clock.now()), () =>
            this.#handle({ type: "tick" }),
          );
          break;
        default:
          effect satisfies never;
      }
    }
  }

  #send({ kind, intervalMs, draining, greets }: GossipSend): void {
    const { self, clock } = this.#context;
    const wallMs = Math.max(0, clock.wallNow());
    for (const path of this.#socket.paths) {
      const address = addressOver(path, self);
      if (address === undefined) continue;
      const message = { type: kind, id: self.id, address, intervalMs, draining, wallMs, greets };
      const datagram = this.#seal.seal(formatMessage(message));
      if (datagram !== undefined) this.#socket.send(datagram, path);
    }
  }

  #failed(what: string, error: Error): void {
    const problem = discoveryErrors.ERR_LAN_UNUSABLE(
      `Gossip on ${this.#where} failed at ${what}: ${error.message}. It is tried again by itself; peers that ` +
        "were heard stay on offer.",
      { strategy: SOURCE, what, reason: error.message },
      error,
    );
    // Of what is tried again nobody hears whether it worked: whether peers are heard says that.
    if (this.#hasStarted) reportAside(this.#context, problem);
    else this.#context.report(problem);
    // A machine without any network has looked: there is nobody.
    if (!this.#hasStarted) this.#changed([]);
  }

  /** What is refused is counted, and told the first time of each kind. */
  #refuse(kind: string, source: string): void {
    if (this.#said.has(`trace ${kind}`)) return;
    this.#said.add(`trace ${kind}`);
    const counts = JSON.stringify(this.#refused);
    this.#context.trace({ tried: `a datagram of ${source}`, answer: `refused: ${kind} ${counts}` });
  }

  #once(kind: string, problem: () => Error): void {
    if (this.#said.has(kind)) return;
    this.#said.add(kind);
    this.#context.report(problem() as FoundationError);
  }
}

/** New for each start, also where chance is seeded and two starts draw alike. */
function sessionOf({ random, clock }: DiscoveryContext): Uint8Array {
  const bytes = Buffer.from(random.fork("discovery.gossip.session").secret(12));
  const startedAt = Math.floor(clock.wallNow() % 2 ** 32);
  bytes.writeUInt32BE((bytes.readUInt32BE(8) ^ startedAt) >>> 0, 8);
  return bytes;
}

function stranger(source: string, cluster: string): Error {
  return discoveryErrors.ERR_LAN_STRANGER(
    `Somebody at ${source} gossips on this network with another secret, or for another cluster than "${cluster}". He is ` +
      "not listened to. If he should be a member, set the same FOUNDATION_SECRET and FOUNDATION_NAME on both nodes.",
    { strategy: SOURCE, source },
  );
}

function unreadable(source: string, where: string): Error {
  return discoveryErrors.ERR_LAN_UNREADABLE(
    `A datagram of ${source} to ${where} is damaged, forged, or of another program; it was dropped, as will be others. ` +
      "Peers are still found.",
    { strategy: SOURCE, source },
  );
}

function flooded(source: string): Error {
  return discoveryErrors.ERR_LAN_FLOODED(
    `More datagrams come than are read, the last one dropped from ${source}. Peers are still found, but more slowly. ` +
      "Find out who sends them, or gossip on another port or group.",
    { strategy: SOURCE, source },
  );
}
