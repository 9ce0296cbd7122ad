/**
 * BroadcastGroup: the broadcasts of one channel: one row of numbers for those that this node sends,
 * whatever carries them, and the tree.
 *
 * The tree sleeps, without neighbours and without a message of its own, until it is used, and again
 * when it has not been: where everybody sends to everybody, or nobody to anybody, it costs nothing.
 */
import type { Clock, NodeId } from "@foundation/core";
import {
  COPY_HEAD_BYTES,
  encodeCopy,
  Floors,
  writeCopyHead,
} from "../../protocol/plumtree/copies.js";
import type { PlumtreeEffect, PlumtreeInput } from "../../protocol/plumtree/effects.js";
import { Plumtree, type PlumtreeOptions } from "../../protocol/plumtree/plumtree.js";
import { NamedTimers } from "../named-timers.js";
import { LatestOrder } from "./latest-order.js";

type Effect = PlumtreeEffect<Uint8Array>;
type Input = PlumtreeInput<Uint8Array>;

export interface GroupOptions {
  readonly channel: string;
  readonly clock: Clock;
  readonly tree: PlumtreeOptions<Uint8Array>;
  readonly run: (group: BroadcastGroup, effect: Effect) => void;
}

/** One broadcast as it goes to each member. */
export interface Copies {
  /** Its bytes for that member. */
  for(id: NodeId): Uint8Array;
  /** They are on their way to it, or were dropped on purpose. */
  posted(id: NodeId, isPosted: boolean): void;
}

export class BroadcastGroup {
  readonly channel: string;
  readonly latest = new LatestOrder();
  readonly #clock: Clock;
  readonly #tree: Plumtree<Uint8Array>;
  readonly #timers: NamedTimers;
  readonly #run: GroupOptions["run"];
  readonly #floors = new Floors();
  /** The tree is used: it is told of neighbours. */
  isAwake = false;

  constructor({ channel, clock, tree, run }: GroupOptions) {
    this.channel = channel;
    this.#clock = clock;
    this.#run = run;
    this.#tree = new Plumtree(tree);
    this.#timers = new NamedTimers(clock, (timer) => this.feed({ type: "timer", timer }));
    this.feed({ type: "start" });
  }

  /** Something was broadcast lately. */
  get isBusy(): boolean {
    return this.#tree.isBusy;
  }

  feed(input: Input): void {
    for (const effect of this.#tree.handle(input, this.#clock.now())) {
      if (effect.type === "set-timer") this.#timers.set(effect.timer, effect.delayMs);
      else if (effect.type === "cancel-timer") this.#timers.cancel(effect.timer);
      else this.#run(this, effect);
    }
  }

  /**
   * Numbers a broadcast of this node that goes to each member itself. The first `COPY_HEAD_BYTES` of its bytes are free:
   * what is kept for those that miss it and what is sent are the same memory.
   */
  copies(forAll: Uint8Array): Copies {
    const payload = forAll.subarray(COPY_HEAD_BYTES);
    this.feed({ type: "broadcast", payload, isCopied: true });
    const { sent: seq, lately } = this.#tree;
    const floors = this.#floors;
    const head = { seq, back: lately - 1, isFloor: false, isLatest: false };
    writeCopyHead(forAll, head);
    return {
      for: (id) => {
        const floor = floors.get(id);
        if (floor === undefined) return forAll;
        return encodeCopy({ ...head, back: Math.max(0, seq - floor), isFloor: true, payload });
      },
      posted: (id, isPosted) => {
        if (isPosted) floors.told(id);
        else floors.set(id, seq + 1);
      },
    };
  }

  /** The same on a channel that keeps only newest values: what is dropped is missed by nobody. */
  newest(forAll: Uint8Array): Copies {
    writeCopyHead(forAll, { seq: this.#tree.sent, back: 0, isFloor: false, isLatest: true });
    return { for: () => forAll, posted: () => undefined };
  }

  /** The node is a member from now on: what was broadcast before is not for it. */
  joined(id: NodeId): void {
    this.#floors.set(id, this.#tree.sent + 1);
  }

  left(id: NodeId): void {
    this.#floors.told(id);
  }

  close(): void {
    this.#timers.close();
  }
}
