/**
 * MdnsCore: announcing this node and finding the others, as one pure state machine.
 *
 * Invariants: a set is always whole; only instances whose tag proves the secret are offered, and never our own; a peer
 * that is announced over several paths is offered at one address, which changes only when it is no longer announced.
 */
import type { Peer, Random } from "@foundation/core";
import { samePeers, sortedByAddress } from "../peer-union.js";
import { peerAddressLike } from "../peer-address.js";
import { Announcer, type MdnsSend } from "./announcer.js";
import { Browser, type Candidate } from "./browser.js";
import { mdnsLimits } from "./limits.js";
import { instanceName } from "./own-service.js";
import { isSameName, type MdnsPacket } from "./records.js";

export type MdnsInput =
  | { readonly type: "paths"; readonly hosts: ReadonlyMap<string, string | undefined> }
  /** `path` is undefined where it cannot be told: then it counts for the first one. */
  | {
      readonly type: "packet";
      readonly packet: MdnsPacket;
      readonly path: string | undefined;
      /** The sender's address. */
      readonly source: string;
    }
  | { readonly type: "draining" }
  | { readonly type: "tick" }
  | { readonly type: "stop" };

export type MdnsEffect =
  | MdnsSend
  | { readonly type: "peers"; readonly peers: readonly Peer[] }
  /** Somebody else had the name. */
  | { readonly type: "conflict"; readonly label: string }
  /** An instance whose tag does not prove our secret. */
  | { readonly type: "stranger"; readonly candidate: Candidate }
  /** Ask for a `tick` at that time; replaces an earlier wish. */
  | { readonly type: "timer"; readonly atMs: number };

export interface MdnsCoreOptions {
  readonly label: string;
  readonly port: number;
  /** This node's address: others are dialled by its scheme. */
  readonly address: string;
  readonly tagOf: (label: string) => string | undefined;
  /** True when the tag proves a secret for this label. */
  readonly isMember: (label: string, tag: string) => boolean;
  readonly random: Random;
}

/** One run; see the module. */
export class MdnsCore {
  readonly #options: MdnsCoreOptions;
  readonly #announcer: Announcer;
  readonly #browser: Browser;
  /** The address at which each instance was offered last. */
  readonly #addresses = new Map<string, string>();
  readonly #strangers = new Set<string>();
  #paths: readonly string[] = [];
  #offered: readonly Peer[] | undefined;
  #firstSetAtMs = Number.POSITIVE_INFINITY;
  /** Of the records that the last set was made of. */
  #version = "";
  #hasStarted = false;
  #isStopped = false;

  constructor(options: MdnsCoreOptions) {
    const { label, port, tagOf, random } = options;
    this.#options = options;
    this.#announcer = new Announcer({ label, port, tagOf, random });
    this.#browser = new Browser(random);
  }

  /** The name in use, which a conflict changes. */
  get label(): string {
    return this.#announcer.label;
  }

  /** Records that are kept. */
  get size(): number {
    return this.#browser.size;
  }

  /** Takes one input; the effects say what the shell has to do, in this order. */
  handle(input: MdnsInput, nowMs: number): readonly MdnsEffect[] {
    if (this.#isStopped) return [];
    const effects: MdnsEffect[] = [];
    switch (input.type) {
      case "paths":
        this.#setPaths(input.hosts, nowMs);
        break;
      case "packet":
        effects.push(
          ...this.#take(input.packet, input.path ?? this.#paths[0], input.source, nowMs),
        );
        break;
      case "draining":
        this.#announcer.drain(nowMs);
        break;
      case "tick":
        break;
      case "stop":
        this.#isStopped = true;
        return this.#announcer.goodbye();
      default:
        input satisfies never;
    }
    effects.push(...this.#announcer.tick(nowMs), ...this.#browser.tick(nowMs));
    // Most packets are of others. A tick looks again anyway: secrets may have changed.
    if (input.type !== "packet" || this.#browser.version !== this.#version) {
      this.#offer(nowMs, effects);
    }
    effects.push({ type: "timer", atMs: this.#nextAtMs() });
    return effects;
  }

  #setPaths(hosts: ReadonlyMap<string, string | undefined>, nowMs: number): void {
    if (!this.#hasStarted) this.#firstSetAtMs = nowMs + mdnsLimits.firstSetMs;
    this.#hasStarted = true;
    this.#paths = [...hosts.keys()];
    const announced = new Map<string, string>();
    for (const [path, host] of hosts) if (host !== undefined) announced.set(path, host);
    this.#announcer.setHosts(announced, nowMs);
    this.#browser.setPaths(this.#paths, nowMs);
  }

  #take(
    packet: MdnsPacket,
    path: string | undefined,
    source: string,
    nowMs: number,
  ): readonly MdnsEffect[] {
    if (path === undefined) return [];
    if (packet.type === "query") return this.#announcer.query(packet, path, source, nowMs);
    const hadConflict = this.#announcer.response(packet, nowMs);
    this.#browser.response(packet, path, nowMs);
    return hadConflict ? [{ type: "conflict", label: this.label }] : [];
  }

  #offer(nowMs: number, effects: MdnsEffect[]): void {
    this.#version = this.#browser.version;
    const peers = this.#members(effects);
    if (this.#offered === undefined && peers.length === 0 && nowMs < this.#firstSetAtMs) return;
    this.#firstSetAtMs = Number.POSITIVE_INFINITY;
    if (this.#offered !== undefined && samePeers(peers, this.#offered)) return;
    this.#offered = peers;
    effects.push({ type: "peers", peers });
  }

  #members(effects: MdnsEffect[]): readonly Peer[] {
    const byInstance = new Map<string, Candidate[]>();
    for (const candidate of this.#browser.candidates()) {
      if (isSameName(candidate.instance, instanceName(this.label))) continue;
      const key = candidate.instance.toLowerCase();
      if (!this.#isMember(candidate)) {
        this.#tellStranger(key, candidate, effects);
        continue;
      }
      byInstance.set(key, [...(byInstance.get(key) ?? []), candidate]);
    }
    for (const key of this.#addresses.keys()) if (!byInstance.has(key)) this.#addresses.delete(key);
    const peers = new Map<string, Peer>();
    for (const [key, candidates] of byInstance) {
      const peer = this.#peerOf(key, candidates);
      if (peer !== undefined) peers.set(peer.address, peer);
    }
    return sortedByAddress(peers.values());
  }

  #isMember({ instance, tag }: Candidate): boolean {
    const [label = ""] = instance.split(".");
    return tag !== undefined && this.#options.isMember(label, tag);
  }

  #tellStranger(key: string, candidate: Candidate, effects: MdnsEffect[]): void {
    if (this.#strangers.has(key) || this.#strangers.size >= mdnsLimits.instancesMax) return;
    this.#strangers.add(key);
    effects.push({ type: "stranger", candidate });
  }

  #peerOf(key: string, candidates: readonly Candidate[]): Peer | undefined {
    const addresses = candidates.flatMap(({ hosts, port }) =>
      hosts.flatMap((host) => this.#addressOf(host, port)),
    );
    const before = this.#addresses.get(key);
    const address = before !== undefined && addresses.includes(before) ? before : addresses[0];
    if (address === undefined) return undefined;
    this.#addresses.set(key, address);
    return candidates.some(({ draining }) => draining) ? { address, draining: true } : { address };
  }

  /** None for what is no address: anybody can announce anything. */
  #addressOf(host: string, port: number): readonly string[] {
    try {
      return [peerAddressLike(this.#options.address, host, port)];
    } catch {
      return [];
    }
  }

  #nextAtMs(): number {
    return Math.min(this.#announcer.nextAtMs, this.#browser.nextAtMs, this.#firstSetAtMs);
  }
}
