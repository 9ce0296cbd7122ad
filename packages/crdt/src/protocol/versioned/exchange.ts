/**
 * Exchange: anti-entropy between two replicas of a multi-writer map, round by round.
 *
 * The driver sends its root digest. The server agrees, or answers with its bucket digests. The
 * driver picks the next part of what differs (round.ts) and sends a summary of it; the server sends what the driver lacks and asks for what it lacks itself. The driver then
 * sends its root again, until both agree or a round changed nothing on either side.
 *
 * Why one exchange at a time: a node that joins differs from everybody, and would otherwise be
 * sent everything once by each member. Who is put off gets its turn when the running one ends.
 *
 * Invariants: no conclusion is drawn from a bucket that is not in the summary; a lost message ends
 * the exchange and nothing else, since the next one begins from the digests as they then are.
 */
import type { NodeId } from "@foundation/core";
import { BUCKETS, PULL_TIMEOUT_MS } from "../../limits.js";
import type { Fingerprint } from "../fingerprint.js";
import { PutOff } from "../put-off.js";
import type { BucketTable, Item } from "./bucket-table.js";
import type { Agree, Buckets, MapDelta, MapMessage, Root, Summary, Want } from "./messages.js";
import { isWithin, nextRound, START, type Cursor, type Differing } from "./round.js";
import type { RoundLimits } from "./round.js";

export interface ExchangeOptions<V, S> {
  readonly self: NodeId;
  readonly table: BucketTable<V, S>;
  readonly limits: RoundLimits;
  /** The order of two writes of a key as far as it shows without their values. */
  readonly order: (a: Write<S>, b: Write<S>) => number;
  /** As many of the items as one round sends, in messages of bounded size. */
  readonly deltas: (items: readonly Item<V, S>[], now: number) => readonly MapDelta<V, S>[];
  readonly send: (to: NodeId, message: MapMessage<V, S>) => void;
  /** The peer has everything this replica has. */
  readonly agreed: (peer: NodeId, now: number) => void;
}

/** A write without its value. */
export interface Write<S> {
  readonly stamp: S;
  readonly deleted: boolean;
}

interface Active {
  readonly peer: NodeId;
  readonly role: "driver" | "server";
  /** Silence until then ends the exchange. */
  untilMs: number;
  /** The root that the peer was asked about last. */
  asked: Fingerprint | undefined;
  /** For the driver: where to go on, and both roots of the last round. */
  cursor: Cursor;
  lastRoots: string;
  /** Buckets compared since a root last changed. */
  fruitless: number;
}

export class Exchange<V, S> {
  readonly #options: ExchangeOptions<V, S>;
  /** Peers that differ and were put off. */
  readonly #waiting = new PutOff((peer) => this.begin(peer));
  #active: Active | undefined;

  constructor(options: ExchangeOptions<V, S>) {
    this.#options = options;
  }

  /** Asks a peer whether it agrees. */
  begin(peer: NodeId): void {
    const { root } = this.#options.table;
    if (this.#active?.peer === peer) this.#active.asked = root;
    this.#options.send(peer, { type: "root", root });
  }

  forget(peer: NodeId): void {
    this.#waiting.delete(peer);
    if (this.#active?.peer === peer) this.#finish();
  }

  tick(peer: NodeId | undefined, now: number): void {
    if (this.#active !== undefined && now >= this.#active.untilMs) this.#active = undefined;
    if (this.#active !== undefined) return;
    if (this.#waiting.beginAll() || this.#options.table.isBlank) return;
    if (peer !== undefined) this.begin(peer);
  }

  handle(from: NodeId, message: Root | Agree | Buckets | Summary<S> | Want, now: number): void {
    // Before it is prolonged: what fell silent has ended, also when its peer speaks up again.
    if (this.#active !== undefined && now >= this.#active.untilMs) this.#active = undefined;
    if (this.#active?.peer === from) this.#active.untilMs = now + PULL_TIMEOUT_MS;
    switch (message.type) {
      case "root":
        this.#root(from, message, now);
        break;
      case "agree":
        this.#agreed(from, message, now);
        break;
      case "buckets":
        this.#buckets(from, message, now);
        break;
      case "summary":
        this.#summary(from, message, now);
        break;
      case "want":
        this.#want(from, message, now);
        break;
      default:
        message satisfies never;
    }
  }

  #root(from: NodeId, { root }: Root, now: number): void {
    const { table, send } = this.#options;
    if (equal(root, table.root)) {
      send(from, { type: "agree", root });
      this.#agree(from, now);
      return;
    }
    if (!this.#mayServe(from)) {
      this.#waiting.add(from);
      return;
    }
    this.#active = this.#activeWith(from, "server", now);
    const buckets: [number, number, number, number][] = [];
    for (let index = 0; index < BUCKETS; index += 1) {
      const { high, low } = table.digest(index);
      const count = table.bucket(index).size;
      if (high !== 0 || low !== 0) buckets.push([index, high, low, count]);
    }
    send(from, { type: "buckets", root: table.root, buckets });
  }

  #mayServe(from: NodeId): boolean {
    const active = this.#active;
    if (active === undefined) return true;
    if (active.peer !== from) return false;
    // Both asked at once: the smaller id drives.
    return active.role === "server" || from < this.#options.self;
  }

  #activeWith(peer: NodeId, role: "driver" | "server", now: number): Active {
    this.#waiting.delete(peer);
    return {
      peer,
      role,
      untilMs: now + PULL_TIMEOUT_MS,
      asked: undefined,
      cursor: START,
      lastRoots: "",
      fruitless: 0,
    };
  }

  /** What was written since the question is told by itself; the exchange has done what it was for. */
  #agreed(from: NodeId, { root }: Agree, now: number): void {
    if (equal(root, this.#options.table.root)) return this.#agree(from, now);
    const asked = this.#active?.peer === from ? this.#active.asked : undefined;
    if (asked !== undefined && equal(root, asked)) this.#finish();
  }

  #agree(from: NodeId, now: number): void {
    this.#options.agreed(from, now);
    this.#waiting.delete(from);
    // Who was put off and agrees by now hands its turn on.
    if (this.#active === undefined || this.#active.peer === from) this.#finish();
  }

  #finish(): void {
    this.#active = undefined;
    this.#waiting.beginNext();
  }

  #buckets(from: NodeId, message: Buckets, now: number): void {
    const { table, send, self } = this.#options;
    const running = this.#active;
    if (running !== undefined && running.peer !== from) {
      this.#waiting.add(from);
      return;
    }
    if (running?.role === "server" && from < self) return;
    const active = running?.role === "driver" ? running : this.#activeWith(from, "driver", now);
    this.#active = active;
    const roots = `${text(table.root)} ${text(message.root)}`;
    const differing = this.#differing(message);
    if (active.lastRoots !== roots) active.fruitless = 0;
    active.lastRoots = roots;
    if (active.fruitless >= differing.length) {
      this.#finish();
      return;
    }
    const round = nextRound(table, differing, active.cursor, this.#options.limits);
    active.fruitless += round.buckets;
    active.cursor = round.next;
    send(from, round.summary);
  }

  /** Buckets that differ, with the larger of both counts. */
  #differing({ buckets }: Buckets): Differing[] {
    const { table } = this.#options;
    const theirs = new Map(buckets.map((bucket) => [bucket[0], bucket]));
    const differing: Differing[] = [];
    for (let index = 0; index < BUCKETS; index += 1) {
      const [, high, low, count] = theirs.get(index) ?? [index, 0, 0, 0];
      if (equal({ high, low }, table.digest(index))) continue;
      differing.push({ index, count: Math.max(count, table.bucket(index).size) });
    }
    return differing;
  }

  #summary(from: NodeId, message: Summary<S>, now: number): void {
    const { table, send, deltas, order: compare } = this.#options;
    const theirs = new Map(message.items.map((item) => [item[0], item]));
    const toSend: Item<V, S>[] = [];
    const keys: string[] = [];
    for (const index of message.buckets) {
      for (const item of table.bucket(index).values()) {
        if (!isWithin(item.key, message.range)) continue;
        const other = theirs.get(item.key);
        theirs.delete(item.key);
        if (other === undefined) {
          if (!item.ripe) toSend.push(item);
          continue;
        }
        const [key, stamp, hash, deleted] = other;
        if (hash === item.hash.low) continue;
        // Zero: the values decide, so each side needs the other's.
        const order = compare(item, { stamp, deleted: deleted === 1 });
        if (order >= 0) toSend.push(item);
        if (order <= 0) keys.push(key);
      }
    }
    for (const key of theirs.keys()) keys.push(key);
    for (const delta of deltas(toSend, now)) send(from, delta);
    send(from, { type: "want", keys });
  }

  #want(from: NodeId, message: Want, now: number): void {
    const { table, send, deltas } = this.#options;
    const items: Item<V, S>[] = [];
    for (const key of message.keys) {
      const item = table.get(key);
      if (item !== undefined) items.push(item);
    }
    for (const delta of deltas(items, now)) send(from, delta);
    if (this.#active?.peer !== from || this.#active.role !== "driver") return;
    this.begin(from);
  }
}

function equal(a: Fingerprint, b: Fingerprint): boolean {
  return a.high === b.high && a.low === b.low;
}

function text({ high, low }: Fingerprint): string {
  return `${high.toString(16)}-${low.toString(16)}`;
}
