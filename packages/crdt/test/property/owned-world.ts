/**
 * A few replicas of an owner-sharded store over a network that loses, repeats and reorders, with
 * crashes and wrong deaths. Only the pure state machines run; commands come from fast-check.
 */
import type { Boot, NodeId } from "@foundation/core";
import { OWNED_LIMITS, type OwnedLimits } from "../../src/limits.js";
import { parseOwnedMessage, type OwnedMessage } from "../../src/protocol/owned/messages.js";
import type { OwnedChange, OwnedInput } from "../../src/protocol/owned/inputs.js";
import { OwnedState } from "../../src/protocol/owned/owned-state.js";

/** Small enough that every transfer is cut into parts and floors rise often. */
export const TINY: OwnedLimits = {
  ...OWNED_LIMITS,
  deltaEntriesMax: 3,
  tombstonesMax: 2,
  flushDeltasMax: 2,
  vectorEntriesMax: 2,
};

interface Packet {
  readonly from: number;
  readonly fromBoot: Boot;
  readonly to: number;
  readonly toBoot: Boot;
  readonly message: OwnedMessage<number>;
}

class Node {
  readonly state: OwnedState<number>;
  /** What a reader who only listens to changes believes. */
  readonly mirror = new Map<string, number>();
  readonly up = new Map<number, Boot>();

  constructor(
    readonly id: NodeId,
    readonly boot: Boot,
    limits: OwnedLimits,
    /** Tells the stores apart that one boot opened one after the other. */
    readonly opened: number,
    ended = 0,
  ) {
    this.state = new OwnedState({ self: { id, boot }, limits, tombstoneMs: 60_000, ended });
  }

  apply(change: OwnedChange<number>): void {
    const at = `${change.owner} ${change.key}`;
    if (change.type === "removed") {
      if (this.mirror.get(at) !== change.previous) throw new Error(`removed what was not: ${at}`);
      this.mirror.delete(at);
    } else {
      if (this.mirror.has(at) !== (change.type === "changed")) throw new Error(`bad ${at}`);
      this.mirror.set(at, change.value);
    }
  }
}

export class OwnedWorld {
  readonly nodes: Node[] = [];
  readonly limits: OwnedLimits;
  packets: Packet[] = [];
  now = 0;
  #boots = 0;
  #opened = 0;
  #messages = 0;

  constructor(size: number, limits: OwnedLimits = TINY) {
    this.limits = limits;
    for (let i = 0; i < size; i += 1) this.nodes.push(this.#create(i));
    this.heal();
  }

  get messages(): number {
    return this.#messages;
  }

  input(i: number, input: OwnedInput<number>): void {
    const node = this.node(i);
    for (const effect of node.state.handle(input, this.now)) {
      if (effect.type === "changes") for (const change of effect.changes) node.apply(change);
      else if (effect.type === "broadcast") {
        for (const to of node.up.keys()) this.#post(i, to, effect.message);
      } else if (effect.type === "send") {
        const to = this.nodes.findIndex((other) => other.id === effect.to);
        if (node.up.has(to)) this.#post(i, to, effect.message);
      } else if (effect.type === "refused") throw new Error(effect.reason);
    }
  }

  node(i: number): Node {
    return this.nodes[i % this.nodes.length] as Node;
  }

  set(i: number, key: string, value: number): void {
    this.input(i, { type: "set", key, value });
  }

  delete(i: number, key: string): void {
    this.input(i, { type: "delete", key });
  }

  /** Delivers one packet; the other arguments say which, and whether it stays to come again. */
  deliver(pick: number, again = false): void {
    const [packet] = this.packets.slice(pick % Math.max(1, this.packets.length));
    if (packet === undefined) return;
    if (!again) this.packets.splice(this.packets.indexOf(packet), 1);
    const { from, fromBoot, to, toBoot, message } = packet;
    if (this.node(to).boot !== toBoot) return;
    // Membership tells a newer boot before anything of it is handed over.
    if (this.node(from).boot === fromBoot && this.node(to).up.get(from) !== fromBoot) return;
    this.input(to, { type: "message", from: this.node(from).id, message });
  }

  lose(pick: number): void {
    if (this.packets.length > 0) this.packets.splice(pick % this.packets.length, 1);
  }

  tick(i: number, j: number): void {
    const peer = this.node(j);
    this.input(i, peer === this.node(i) ? { type: "tick" } : { type: "tick", peer: peer.id });
  }

  /** `i` holds `j` for down, rightly or not. */
  down(i: number, j: number): void {
    const boot = this.node(i).up.get(j);
    if (i === j || boot === undefined) return;
    this.node(i).up.delete(j);
    this.input(i, { type: "member-down", id: this.node(j).id, boot });
  }

  up(i: number, j: number): void {
    const peer = this.node(j);
    if (i === j || this.node(i).up.get(j) === peer.boot) return;
    this.down(i, j);
    this.node(i).up.set(j, peer.boot);
    this.input(i, { type: "member-up", id: peer.id, boot: peer.boot });
  }

  /** Forgets everything and comes back with a newer boot; the others learn it when `up` is called. */
  restart(i: number): void {
    this.nodes[i] = this.#create(i);
  }

  /** Closes the store and opens it again: same node, same boot, nothing known. */
  reopen(i: number): void {
    const { id, boot, up, state } = this.node(i);
    this.input(i, { type: "clear" });
    this.nodes[i] = new Node(id, boot, this.limits, ++this.#opened, state.sequence);
    for (const [j, peerBoot] of up) {
      this.node(i).up.set(j, peerBoot);
      this.input(i, { type: "member-up", id: this.node(j).id, boot: peerBoot });
    }
  }

  heal(): void {
    for (let i = 0; i < this.nodes.length; i += 1) {
      for (let j = 0; j < this.nodes.length; j += 1) this.up(i, j);
    }
  }

  drain(): void {
    for (let left = 100_000; this.packets.length > 0; left -= 1) {
      if (left === 0) throw new Error("the replicas never stop talking");
      this.deliver(0);
    }
  }

  /** No more faults: everybody sees everybody, and anti-entropy runs. */
  quiesce(): void {
    this.packets = [];
    this.heal();
    for (let i = 0; i < this.nodes.length; i += 1) this.input(i, { type: "flush" });
    this.drain();
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < this.nodes.length; i += 1) {
        for (let j = 0; j < this.nodes.length; j += 1) {
          this.now += 10_000;
          this.tick(i, j);
          this.drain();
        }
      }
    }
  }

  /** What a node reads: key → owner → value. */
  view(i: number): Record<string, Record<string, number>> {
    const { claims } = this.node(i).state;
    const view: Record<string, Record<string, number>> = {};
    for (const key of [...claims.keys()].sort()) {
      const entries = claims.get(key).map((entry) => [entry.owner, entry.value as number]);
      view[key] = Object.fromEntries(entries) as Record<string, number>;
    }
    return view;
  }

  #create(i: number): Node {
    this.#boots += 1;
    const id = String(i).padStart(32, "0") as NodeId;
    const boot = String(this.#boots).padStart(24, "0") as Boot;
    return new Node(id, boot, this.limits, ++this.#opened);
  }

  #post(from: number, to: number, message: OwnedMessage<number>): void {
    this.#messages += 1;
    const parsed = parseOwnedMessage<number>(structuredClone(message), this.limits);
    if ("problem" in parsed) throw new Error(parsed.problem);
    const fromBoot = this.node(from).boot;
    const toBoot = this.node(from).up.get(to) as Boot;
    this.packets.push({ from, fromBoot, to, toBoot, message: parsed.message });
  }
}
