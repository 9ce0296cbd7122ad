/**
 * Replica: a replicated store's core on a node: what its shell does for it, in little.
 *
 * The stores of crdt share their manners: a write is told when the turn has ended, anti-entropy goes to a random member
 * every ten seconds, and only members are talked to. What differs is the core, and what its effects mean.
 */
import type { Boot, MembershipEvent, NodeId } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { EXCHANGE_INTERVAL_MS, EXCHANGE_JITTER } from "../../../packages/crdt/src/limits.js";

/** What both kinds of cores are told in the same words. */
export type ReplicaInput =
  | { readonly type: "flush" }
  | { readonly type: "member-up"; readonly id: NodeId; readonly boot: Boot }
  | { readonly type: "member-down"; readonly id: NodeId; readonly boot: Boot }
  | { readonly type: "member-left"; readonly id: NodeId; readonly boot: Boot }
  | { readonly type: "tick"; readonly peer?: NodeId };

/** What a replica asks of its node. */
export interface ReplicaHost<Input, Message> {
  readonly random: Random;
  now(): number;
  /** A core's input, handled after the present one. */
  feed(input: Input): void;
  /** Calls `onTimer` with the name when the time is over. */
  setTimer(timer: "tick" | "flush", delayMs: number): void;
  send(to: NodeId, message: Message): void;
  broadcast(message: Message): void;
  /** The other members. */
  peers(): readonly NodeId[];
}

export abstract class Replica<Input, Effect, Message> {
  protected readonly host: ReplicaHost<Input | ReplicaInput, Message>;
  #isFlushing = false;

  constructor(host: ReplicaHost<Input | ReplicaInput, Message>) {
    this.host = host;
  }

  abstract handle(input: Input | ReplicaInput, now: number): readonly Effect[];
  abstract run(effect: Effect): void;

  start(): void {
    this.#schedule();
  }

  onTimer(timer: "tick" | "flush"): void {
    if (timer === "flush") {
      this.#isFlushing = false;
      this.host.feed({ type: "flush" });
      return;
    }
    this.#schedule();
    const peers = this.host.peers();
    const peer = peers[Math.floor(this.host.random.next() * peers.length)];
    this.host.feed(peer === undefined ? { type: "tick" } : { type: "tick", peer });
  }

  /** What membership tells, as the shells of the stores translate it. */
  onMember({ type, node: { id, boot }, ...rest }: MembershipEvent): void {
    if (type === "node-down") this.host.feed({ type: "member-down", id, boot });
    else if (type === "node-left") this.host.feed({ type: "member-left", id, boot });
    else if (type === "node-up" && !("previous" in rest && rest.previous === "suspect")) {
      this.host.feed({ type: "member-up", id, boot });
    }
  }

  /** A write of this node: told when the turn is over. */
  protected written(): void {
    if (this.#isFlushing) return;
    this.#isFlushing = true;
    this.host.setTimer("flush", 0);
  }

  #schedule(): void {
    const jitter = 1 + EXCHANGE_JITTER * (this.host.random.next() * 2 - 1);
    this.host.setTimer("tick", EXCHANGE_INTERVAL_MS * jitter);
  }
}
