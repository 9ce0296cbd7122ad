/**
 * Standing: of which buckets this node is an owner, and which of them it may serve.
 *
 * A new owner is cold: what was acknowledged before it became one is with the owners before it. It pulls a bucket from
 * them, and whoever asks meanwhile waits; then it is warm. A node that ceases to be an owner keeps the bucket until the
 * new ones have it. So joining and leaving move only the buckets whose owners change, and no read sees a hole.
 *
 * Invariants: only warm buckets are served; in quorum mode only while the epoch is the newest, was confirmed lately and
 * is not sealed by the next.
 */
import type { NodeId } from "@foundation/core";
import { BUCKETS } from "../limits.js";
import type { Ring } from "../protocol/ring.js";
import { unavailable, type World } from "./world.js";

const COLD = 0;
const WARM = 1;
/** No owner any more, and everything is still here. */
const FORMER = 2;
/** Complete by what was seen before; newcomers, or who was an owner meanwhile, may hold more: they are being asked. */
const ASKING = 3;

/** In the place of a view's number: the sender has waited long enough for both to see the same members. */
export const ANY_VIEW = 0;

interface Waiting {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What changed for this node when the ring did. */
export interface Shift {
  /** To be pulled, from whoever holds them. */
  readonly cold: readonly number[];
  /** Complete but for what newcomers may hold. */
  readonly asking: readonly number[];
  /** Complete here, and others are the owners now. */
  readonly former: readonly number[];
  /** Whose primary is another node than before. */
  readonly moved: ReadonlySet<number>;
}

export class Standing {
  readonly #world: World;
  readonly #status = new Uint8Array(BUCKETS);
  /** In which epoch a bucket was last warm here, quorum mode. */
  readonly #warmEpoch = new Float64Array(BUCKETS);
  readonly #waiting = new Map<number, Set<Waiting>>();
  /** When the epoch was last confirmed; absent in the eventual mode. */
  readonly #confirmedAtMs: (() => number) | undefined;
  /** This node's start is in the committed list. */
  #isSeated = true;
  #sealed = 0;
  #ring: Ring | undefined;

  constructor(world: World, confirmedAtMs?: () => number) {
    this.#world = world;
    this.#confirmedAtMs = confirmedAtMs;
  }

  get ring(): Ring | undefined {
    return this.#ring;
  }

  /**
   * Takes a new ring. `isKept` says of a bucket that goes on with the same owner that it can be served at once: in quorum
   * mode, that all its owners are those of the epoch before; otherwise, that no member is new.
   */
  adopt(ring: Ring, isSeated: boolean, isKept: (bucket: number) => boolean): Shift {
    const before = this.#ring;
    const isQuorum = this.#world.consistency === "quorum";
    this.#ring = ring;
    this.#isSeated = isSeated;
    const cold: number[] = [];
    const asking: number[] = [];
    const former: number[] = [];
    const moved = new Set<number>();
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const isOwner = isSeated && ring.owners(bucket).includes(this.#world.self);
      if (before?.primary(bucket) !== ring.primary(bucket)) moved.add(bucket);
      const status = this.#status[bucket];
      const wasWarm = status === WARM || status === ASKING;
      if (isOwner && status === WARM && isKept(bucket)) {
        this.#warmEpoch[bucket] = ring.number;
      } else if (isOwner && wasWarm && !isQuorum) {
        this.#status[bucket] = ASKING;
        asking.push(bucket);
      } else if (isOwner && status === FORMER && !isQuorum) {
        // What others may still need of it is here; what was written since is with the owners meanwhile.
        this.#status[bucket] = ASKING;
        cold.push(bucket);
      } else if (isOwner) {
        this.#status[bucket] = COLD;
        cold.push(bucket);
      } else {
        if (wasWarm) this.#status[bucket] = FORMER;
        if (this.#status[bucket] === FORMER) former.push(bucket);
        this.#refuse(bucket);
      }
    }
    return { cold, asking, former, moved };
  }

  /** @throws {ERR_CACHE_UNAVAILABLE} this node may not act in the sender's epoch */
  check(epoch: unknown): void {
    const { name, consistency, clock, times, closed } = this.#world;
    const ring = this.#ring;
    if (closed.aborted) throw unavailable(name, "this node has closed the cache");
    if (ring === undefined) throw unavailable(name, "this node is joining");
    if (epoch !== ring.number && !(consistency === "eventual" && epoch === ANY_VIEW)) {
      throw unavailable(name, "this node and the sender see different members");
    }
    if (consistency === "eventual") return;
    if (!this.#isSeated) throw unavailable(name, "this start of the node is in no committed list");
    if (this.#sealed > ring.number) throw unavailable(name, "a newer epoch has begun");
    const confirmedAtMs = this.#confirmedAtMs?.() ?? 0;
    if (clock.now() - confirmedAtMs > times.confirmedWithinMs) {
      throw unavailable(
        name,
        "this node could not confirm for a while that its epoch is the newest",
      );
    }
  }

  /** The node promises to serve nothing below that epoch any more. */
  seal(epoch: number): void {
    this.#sealed = Math.max(this.#sealed, epoch);
  }

  serves(bucket: number): boolean {
    return this.#status[bucket] === WARM;
  }

  /** True when everything that was acknowledged is here, be it that others are the owners now. */
  isComplete(bucket: number): boolean {
    return this.#status[bucket] !== COLD;
  }

  warmEpoch(bucket: number): number {
    return this.#warmEpoch[bucket] ?? 0;
  }

  isPrimary(node: NodeId, bucket: number): boolean {
    return this.#ring?.primary(bucket) === node;
  }

  isOwner(node: NodeId, bucket: number): boolean {
    return this.#ring?.owners(bucket).includes(node) === true;
  }

  isBucket(bucket: unknown): bucket is number {
    return Number.isInteger(bucket) && (bucket as number) >= 0 && (bucket as number) < BUCKETS;
  }

  /** True when nothing is to be pulled any more. */
  isSettled(): boolean {
    const ring = this.#ring;
    if (ring === undefined) return false;
    // A start that is in no list takes nothing over: the list must move on for it to be.
    if (!this.#isSeated) return true;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (this.isOwner(this.#world.self, bucket) && !this.serves(bucket)) return false;
    }
    return true;
  }

  /** Buckets this node is the primary of. */
  primaryOf(): readonly number[] {
    const buckets: number[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (this.isPrimary(this.#world.self, bucket)) buckets.push(bucket);
    }
    return buckets;
  }

  /**
   * Resolves when all of them are served here.
   * @throws {ERR_CACHE_UNAVAILABLE} this node is not an owner of one, or ceases to be
   */
  async warm(buckets: readonly number[]): Promise<void> {
    for (const bucket of buckets) {
      if (this.serves(bucket)) continue;
      if (!this.isOwner(this.#world.self, bucket)) throw this.#notOwner();
      await new Promise<void>((resolve, reject) => {
        const waiting = this.#waiting.get(bucket) ?? new Set();
        waiting.add({ resolve, reject });
        this.#waiting.set(bucket, waiting);
      });
    }
  }

  /** The bucket was pulled. */
  markWarm(bucket: number): void {
    if (!this.isOwner(this.#world.self, bucket)) return;
    this.#status[bucket] = WARM;
    this.#warmEpoch[bucket] = this.#ring?.number ?? 0;
    const waiting = this.#waiting.get(bucket);
    this.#waiting.delete(bucket);
    for (const { resolve } of waiting ?? []) resolve();
  }

  /** The bucket was handed over. */
  markCold(bucket: number): void {
    if (this.#status[bucket] === FORMER) this.#status[bucket] = COLD;
  }

  /** Nobody waits here any more. */
  close(): void {
    for (let bucket = 0; bucket < BUCKETS; bucket++) this.#refuse(bucket);
  }

  #refuse(bucket: number): void {
    const waiting = this.#waiting.get(bucket);
    this.#waiting.delete(bucket);
    for (const { reject } of waiting ?? []) reject(this.#notOwner());
  }

  #notOwner(): Error {
    return unavailable(this.#world.name, "this node does not keep the key");
  }
}
