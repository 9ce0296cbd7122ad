/**
 * Mending: repair in the eventual mode. Who holds anything of a bucket and is no owner of it hands it over, deletions too;
 * primaries compare with the other owners what they hold, after each change of the ring and in slices all the time, and
 * bring both to the newer.
 *
 * Limit: a bucket that differs is sent whole, so repair costs up to a bucket for each write that an owner missed.
 */
import type { NodeId, Timer } from "@foundation/core";
import { BUCKETS } from "../limits.js";
import { isCount, wireOf, wireVersion, type Item } from "../protocol/item.js";
import { deleted, type Replica } from "../protocol/replica.js";
import type { Ring } from "../protocol/ring.js";
import { compareVersions, newerOf, nextHybrid, NO_VERSION } from "../protocol/version.js";
import { allPages, versionsOf, type BucketPages } from "./bucket-page.js";
import { fields } from "./keeper.js";
import type { Standing } from "./standing.js";
import { checkTimely, malformed, type World } from "./world.js";

/** A round of repair is done in so many parts, so that none holds up the node. */
const SLICES = 8;
/** After a change of the ring, newcomers first pull. */
const SETTLE_RETRIES = 25;

export class Mending {
  readonly #world: World;
  readonly #replica: Replica;
  readonly #standing: Standing;
  #slice = 0;
  #isRunning = false;
  #isWanted = false;
  #timer: Timer | undefined;
  #soon: Timer | undefined;

  constructor(world: World, replica: Replica, standing: Standing) {
    this.#world = world;
    this.#replica = replica;
    this.#standing = standing;
    this.#schedule();
  }

  /** A full round, shortly: the ring has changed, or an owner has missed something. */
  wantSoon(): void {
    if (this.#soon !== undefined || this.#world.closed.aborted) return;
    this.#soon = this.#world.clock.setTimer(this.#world.times.retryMs * SETTLE_RETRIES, () => {
      this.#soon = undefined;
      this.#isWanted = true;
      void this.#run();
    });
  }

  close(): void {
    this.#timer?.cancel();
    this.#soon?.cancel();
  }

  /** Gives what this node holds to who will own it by the next ring, while it still owns it itself. */
  async handAhead(next: Ring): Promise<void> {
    const { clock, times } = this.#world;
    const byNode = new Map<NodeId, (readonly [number, number, number])[]>();
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      if (!this.#standing.isComplete(bucket)) continue;
      const { count, fingerprint } = this.#replica.digest(bucket, clock.now());
      if (count === 0) continue;
      for (const node of next.owners(bucket)) {
        const list = byNode.get(node) ?? [];
        list.push([bucket, count, fingerprint]);
        byNode.set(node, list);
      }
    }
    const sent = [...byNode].map(async ([node, digests]) => {
      const reply = await this.#world.ask(node, "digest", [next.number, digests], times.copyMs);
      for (const bucket of Array.isArray(reply) ? (reply as unknown[]) : []) {
        if (this.#standing.isBucket(bucket)) await this.#send(node, bucket);
      }
    });
    await Promise.allSettled(sent);
  }

  /** Hands over everything: this node is leaving. Resolves when it is done, or cannot be. */
  async handOver(): Promise<void> {
    await Promise.all(this.#left().map((bucket) => this.#handOver(bucket)));
  }

  /** `[epoch, [bucket, count, fingerprint][]]` → the buckets that differ here. */
  digest(payload: unknown): unknown {
    const [, wires] = fields(payload);
    if (!Array.isArray(wires)) throw malformed(this.#world.name, "digest");
    const nowMs = this.#world.clock.now();
    const different: number[] = [];
    for (const wire of wires as unknown[]) {
      const [bucket, count, fingerprint] = fields(wire);
      if (!this.#standing.isBucket(bucket) || !isCount(count) || !isCount(fingerprint)) {
        throw malformed(this.#world.name, "digest");
      }
      // Who does not see itself as an owner yet, or any more, takes what it is given all the same.
      const own = this.#replica.digest(bucket, nowMs);
      if (own.count !== count || own.fingerprint !== fingerprint) different.push(bucket);
    }
    return different;
  }

  #schedule(): void {
    this.#timer = this.#world.clock.setTimer(this.#world.times.repairMs / SLICES, () => {
      this.#schedule();
      void this.#run();
    });
  }

  async #run(): Promise<void> {
    if (this.#isRunning || this.#world.closed.aborted) return;
    this.#isRunning = true;
    try {
      for (const bucket of this.#left()) await this.#handOver(bucket);
      const isFull = this.#isWanted;
      this.#isWanted = false;
      for (let i = 0; i < (isFull ? SLICES : 1); i++) {
        await this.#compare(this.#slice);
        this.#slice = (this.#slice + 1) % SLICES;
      }
    } catch (error) {
      // A peer that cannot be reached now is looked at in the next round.
      this.#world.logger.debug("A round of repair of a cache ended early", {
        cache: this.#world.name,
        error,
      });
    } finally {
      this.#isRunning = false;
    }
    if (this.#isWanted) this.wantSoon();
  }

  /** Compares the buckets of a slice that this node is the primary of with their other owners. */
  async #compare(slice: number): Promise<void> {
    const { self, clock, times } = this.#world;
    const byNode = new Map<NodeId, (readonly [number, number, number])[]>();
    const ring = this.#standing.ring;
    if (ring === undefined) return;
    for (let bucket = slice; bucket < BUCKETS; bucket += SLICES) {
      if (!this.#standing.isPrimary(self, bucket) || !this.#standing.serves(bucket)) continue;
      const others = ring.owners(bucket).filter((id) => id !== self);
      if (others.length === 0) continue;
      const { count, fingerprint } = this.#replica.digest(bucket, clock.now());
      for (const id of others) {
        const list = byNode.get(id) ?? [];
        list.push([bucket, count, fingerprint]);
        byNode.set(id, list);
      }
    }
    for (const [node, digests] of byNode) {
      const reply = await this.#world.ask(node, "digest", [ring.number, digests], times.copyMs);
      for (const bucket of Array.isArray(reply) ? (reply as unknown[]) : []) {
        if (this.#standing.isBucket(bucket)) await this.#mend(node, bucket, ring.number);
      }
    }
  }

  /** Brings a bucket of this node and of another owner to the newer of both. */
  async #mend(node: NodeId, bucket: number, number: number): Promise<void> {
    const { limits, times } = this.#world;
    const found = await allPages(bucket, limits.bucketPagesMax, (after) =>
      this.#world.ask(node, "pull", [number, bucket, after], times.copyMs),
    );
    if ("items" in found) {
      checkTimely(this.#world, versionsOf(found));
      this.#take(bucket, found);
    }
    await this.#send(node, bucket);
  }

  #take(bucket: number, found: BucketPages): void {
    const { clock, self } = this.#world;
    for (const item of found.items.values()) {
      if (this.#replica.apply(item, clock.now())) continue;
      // Given up here, and the trace of it forgotten: the other one must give it up too.
      if (item.bytes === undefined || this.#replica.item(item.key, clock.now())) continue;
      const seen = newerOf(this.#replica.top(bucket), item.version);
      const version = nextHybrid(seen, clock.wallNow(), self);
      if (compareVersions(version, item.version) > 0) {
        this.#replica.apply(deleted(item.key, version), clock.now());
      }
    }
    // And the other way round, of deletions: what the other one gave up for a limit may stay here.
    this.#replica.giveUp(bucket, found.items, found.deleted);
  }

  /** Buckets of others of which something is here: this node was an owner, or was taken for one. */
  #left(): readonly number[] {
    const left: number[] = [];
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      const isOwner = this.#standing.isOwner(this.#world.self, bucket);
      if (!isOwner && !this.#replica.isBlank(bucket)) left.push(bucket);
    }
    return left;
  }

  async #handOver(bucket: number): Promise<void> {
    const ring = this.#standing.ring;
    const { self, clock, times } = this.#world;
    if (ring === undefined || this.#standing.isOwner(self, bucket)) return;
    const { count, fingerprint } = this.#replica.digest(bucket, clock.now());
    for (const node of ring.owners(bucket)) {
      const digest = [ring.number, [[bucket, count, fingerprint]]];
      const reply = await this.#world.ask(node, "digest", digest, times.copyMs);
      const isSame = Array.isArray(reply) && reply.length === 0;
      await this.#send(node, bucket, isSame ? isDeletion : undefined);
      await this.#sendDeleted(node, bucket);
    }
    const now = this.#replica.digest(bucket, clock.now());
    // What came meanwhile is handed over in the next round.
    if (now.count !== count || now.fingerprint !== fingerprint) return;
    if (this.#standing.ring !== ring) return;
    this.#standing.markCold(bucket);
    this.#replica.drop(bucket);
  }

  /** What was deleted and is not remembered one by one, with what was not: all of it in one message, or none. */
  async #sendDeleted(node: NodeId, bucket: number): Promise<void> {
    const { limits, times } = this.#world;
    const deleted = this.#replica.deleted(bucket);
    if (deleted === NO_VERSION) return;
    const keys = this.#replica.keys(bucket);
    const sizeBytes = keys.reduce((sum, key) => sum + key.length, 0);
    if (sizeBytes > limits.pageBytesMax) return;
    const payload = [0, [], [bucket, wireVersion(deleted), keys]];
    await this.#world.ask(node, "mend", payload, times.copyMs);
  }

  async #send(
    node: NodeId,
    bucket: number,
    isWanted: (item: Item) => boolean = () => true,
  ): Promise<void> {
    const { clock, limits, times } = this.#world;
    let after: string | undefined = "";
    while (after !== undefined) {
      const page: { readonly items: readonly Item[]; readonly next: string | undefined } =
        this.#replica.page(bucket, after, limits.pageBytesMax, clock.now());
      const items = page.items.filter(isWanted);
      if (items.length > 0)
        await this.#world.ask(node, "mend", [0, items.map(wireOf)], times.copyMs);
      after = page.next;
    }
  }
}

/** Of these the digest says nothing. */
function isDeletion({ bytes }: Item): boolean {
  return bytes === undefined;
}
