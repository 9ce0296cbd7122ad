/**
 * Progress: what a leader knows of one follower's log, and how much it may send it.
 *
 * etcd's three states. `probe`: where the logs agree is unknown, so one message at a time.
 * `replicate`: messages are pipelined, `next` runs ahead of what is acknowledged, bounded by a
 * window of messages and bytes. `snapshot`: what the follower lacks is compacted away here.
 *
 * Invariants: match < next; `match` never falls within a term (an acknowledged entry is on the
 * follower's disk); the window holds only what was sent and not acknowledged.
 */
import type { NodeId } from "@foundation/core";
import type { RaftLimits } from "../../limits.js";
import { invariant } from "../invariant.js";
import { entryBytes, type Entry, type SnapshotMeta } from "./entry.js";

/** A snapshot on its way to a follower. */
export interface Transfer {
  readonly snapshot: SnapshotMeta;
  /** The follower has this many bytes. */
  offset: number;
  /** What is awaited since when: bytes from the own disk, or the follower's answer. */
  awaits: "bytes" | "reply";
  since: number;
}

/** How a learner that is to become a voter catches up: thesis, section 4.2.1. */
export interface CatchUp {
  /** The round ends when the learner has this index, the leader's last when the round began. */
  target: number;
  since: number;
  rounds: number;
  /** The last round was fast. */
  hasCaughtUp: boolean;
}

export class Progress {
  readonly id: NodeId;
  state: "probe" | "replicate" | "snapshot" = "probe";
  match = 0;
  next: number;
  /** In probe: a message is on its way, and nothing may follow it. */
  isPaused = false;
  /** When it was last heard. */
  activeAt: number;
  /** The latest round of heartbeats it answered. */
  round = 0;
  /** The commit index it was told. */
  toldCommit = 0;
  transfer: Transfer | undefined;
  catchUp: CatchUp | undefined;
  /** Last index and size of each unanswered message, oldest first, from `#head` on. */
  #window: { readonly last: number; readonly bytes: number }[] = [];
  #head = 0;
  #windowBytes = 0;

  constructor(id: NodeId, next: number, now: number) {
    this.id = id;
    this.next = next;
    this.activeAt = now;
  }

  /** May nothing be sent now but a heartbeat? */
  isBlocked(limits: RaftLimits): boolean {
    if (this.state === "probe") return this.isPaused;
    if (this.state === "snapshot") return true;
    return this.isFull(limits);
  }

  isFull(limits: RaftLimits): boolean {
    return (
      this.#window.length - this.#head >= limits.inflightMessagesMax ||
      this.#windowBytes >= limits.inflightBytesMax
    );
  }

  /** These entries (or none) were sent. */
  sent(entries: readonly Entry[]): void {
    const last = entries.at(-1)?.index;
    if (this.state === "probe") this.isPaused = true;
    if (this.state !== "replicate" || last === undefined) return;
    let bytes = 0;
    for (const entry of entries) bytes += entryBytes(entry);
    this.next = last + 1;
    this.#window.push({ last, bytes });
    this.#windowBytes += bytes;
  }

  /** The follower has everything up to `index`: false when that was known. */
  appended(index: number): boolean {
    this.isPaused = false;
    this.#freeTo(index);
    if (index <= this.match) return false;
    this.match = index;
    this.next = Math.max(this.next, index + 1);
    return true;
  }

  /**
   * The follower has nothing that fits behind `index`; the logs may agree up to `hint`. False when
   * the refusal is old news.
   */
  refused(index: number, hint: number): boolean {
    if (this.state === "replicate") {
      if (index <= this.match) return false;
      this.probe();
      return true;
    }
    if (this.state === "snapshot" || this.next - 1 !== index) return false;
    this.next = Math.max(this.match + 1, Math.min(index, hint + 1));
    this.isPaused = false;
    return true;
  }

  /** A message may have been lost; let one more pass, for its answer will tell. */
  resume(limits: RaftLimits): void {
    this.isPaused = false;
    if (this.state === "replicate" && this.isFull(limits)) this.#freeTo(this.#oldest);
  }

  probe(): void {
    this.next = this.match + 1;
    this.#enter("probe");
  }

  replicate(): void {
    this.next = this.match + 1;
    this.#enter("replicate");
  }

  snapshot(transfer: Transfer): void {
    this.#enter("snapshot");
    this.transfer = transfer;
  }

  #enter(state: "probe" | "replicate" | "snapshot"): void {
    this.state = state;
    this.isPaused = false;
    this.transfer = undefined;
    this.#window = [];
    this.#head = 0;
    this.#windowBytes = 0;
    invariant(this.match < this.next, "next is behind what is acknowledged");
  }

  get #oldest(): number {
    return this.#window[this.#head]?.last ?? 0;
  }

  #freeTo(index: number): void {
    while (this.#head < this.#window.length && this.#oldest <= index) {
      this.#windowBytes -= this.#window[this.#head]?.bytes ?? 0;
      this.#head += 1;
    }
    // Shifted rarely, so that a long window costs nothing for each answer.
    if (this.#head > 64 || this.#head === this.#window.length) {
      this.#window.splice(0, this.#head);
      this.#head = 0;
    }
  }
}
