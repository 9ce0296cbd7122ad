/**
 * Pulls: how a new owner gets what was acknowledged before it became one.
 *
 * Eventual: nodes that see new members ask them what they hold, and newcomers ask everybody; of what differs each version is
 * pulled once. So it does not matter who was there first: one node, half a cluster that was cut off, or nobody. A node
 * answers only once it sees the asker as a member itself, since until then it acknowledges writes the asker is not told of.
 * Quorum: from so many of the epoch before that none of its quorums can be reached again (a seal), each of which promises
 * to serve it no more. Where they cannot be reached until they must have fallen silent, the bucket begins empty, which a
 * cache may be; never with something that may be old.
 *
 * Invariants: at most `pullsMax` buckets at one time; a bucket whose ring changed meanwhile is pulled by the new ring.
 */
import type { NodeId } from "@foundation/core";
import { wireOf, wireVersion } from "../protocol/item.js";
import { mergeSnapshots, sealOf } from "../protocol/quorum.js";
import type { Replica } from "../protocol/replica.js";
import type { Ring } from "../protocol/ring.js";
import { newerOf, NO_VERSION } from "../protocol/version.js";
import { allPages, versionsOf, type BucketPages } from "./bucket-page.js";
import { fields } from "./keeper.js";
import type { Shift, Standing } from "./standing.js";
import {
  checkTimely,
  isPassing,
  isUnknown,
  malformed,
  pause,
  unavailable,
  type World,
} from "./world.js";

/** The epoch before, quorum mode: whom to pull from. */
export interface Before {
  readonly ring: Ring | undefined;
  /** Monotonic time at which this node learnt of the epoch. */
  readonly learntAtMs: number;
}

/** Who holds a bucket, and a digest of what. */
interface Source {
  readonly node: NodeId;
  readonly digest: string;
}

interface Held {
  readonly bucket: number;
  readonly digest: string;
}

type Fetch = () => Promise<BucketPages[]>;

interface Task {
  readonly bucket: number;
  readonly ring: Ring;
  readonly fetch: Fetch;
  readonly done: () => void;
}

const BLANK: BucketPages = { items: new Map(), floor: NO_VERSION, deleted: NO_VERSION };

/** The digest of a bucket with no entry in it, whatever was deleted. */
const EMPTY = "0.0";

/** Clocks of two nodes differ in speed by less than a quarter. */
const DRIFT = 1.25;

export class Pulls {
  readonly #world: World;
  readonly #replica: Replica;
  readonly #standing: Standing;
  /** Members that were not yet asked about every bucket of this node. */
  readonly #unasked = new Set<NodeId>();
  #queue: Task[] = [];
  #running = 0;

  constructor(world: World, replica: Replica, standing: Standing) {
    this.#world = world;
    this.#replica = replica;
    this.#standing = standing;
  }

  /** Quorum: pulls buckets from the epoch before; what was queued by an older ring is given up. */
  async seal(buckets: readonly number[], ring: Ring, before: Before): Promise<void> {
    const blank = await this.#askBlank(buckets, ring, before);
    await this.#enqueue(ring, buckets, (bucket) => () => {
      return this.#fromSeal(bucket, ring, before, blank.get(bucket) ?? []);
    });
  }

  /** Seals many buckets with one message to each old owner, and learns which of them are blank there. */
  async #askBlank(
    buckets: readonly number[],
    ring: Ring,
    before: Before,
  ): Promise<ReadonlyMap<number, readonly NodeId[]>> {
    const byNode = new Map<NodeId, number[]>();
    for (const bucket of buckets) {
      for (const node of before.ring?.owners(bucket) ?? []) {
        const list = byNode.get(node) ?? [];
        list.push(bucket);
        byNode.set(node, list);
      }
    }
    const blank = new Map<number, NodeId[]>();
    const asked = [...byNode].map(async ([node, list]) => {
      const payload = [ring.number, list];
      const reply = await this.#world
        .ask(node, "hold", payload, this.#world.times.copyMs)
        .catch(() => undefined);
      const [type, held] = fields(reply);
      if (type !== "blank" || !Array.isArray(held)) return;
      for (const bucket of held as unknown[]) {
        if (!this.#standing.isBucket(bucket)) continue;
        const nodes = blank.get(bucket) ?? [];
        nodes.push(node);
        blank.set(bucket, nodes);
      }
    });
    await Promise.all(asked);
    return blank;
  }

  /** Eventual: asks who holds what, and pulls it. `added` are the members that are new to this node. */
  async join(shift: Shift, ring: Ring, added: readonly NodeId[]): Promise<void> {
    const { cold, asking } = shift;
    for (const node of added) this.#unasked.add(node);
    const isNew = new Set(this.#unasked);
    const asked = ring.members
      .filter((node) => node !== this.#world.self)
      .map(async (node) => {
        const buckets = isNew.has(node) ? [...cold, ...asking] : cold;
        return { node, held: buckets.length === 0 ? [] : await this.#ask(node, buckets, ring) };
      });
    const sources = new Map<number, Source[]>();
    for (const { node, held } of await Promise.all(asked)) {
      for (const { bucket, digest } of held) {
        const list = sources.get(bucket) ?? [];
        list.push({ node, digest });
        sources.set(bucket, list);
      }
    }
    await this.#enqueue(ring, [...cold, ...asking], (bucket) => {
      const list = sources.get(bucket);
      return () =>
        list === undefined ? Promise.resolve([]) : this.#fromSources(bucket, ring, list);
    });
    if (this.#isOver(ring)) return;
    for (const node of isNew) this.#unasked.delete(node);
  }

  /** Quorum: true when no opener that can be asked is still pulling. */
  async areSettled(epoch: number, openers: readonly NodeId[]): Promise<boolean> {
    const asked = openers.map(async (node) => {
      try {
        const reply = await this.#world.ask(node, "hold", [epoch, []], this.#world.times.copyMs);
        return fields(reply)[0] !== "wait";
      } catch {
        // Who cannot be asked must not keep the others from going on without it.
        return true;
      }
    });
    return (await Promise.all(asked)).every(Boolean);
  }

  /** `[epoch, buckets]` → `["wait"]`, else `["held", [bucket, digest][]]` of those that this node holds something of. */
  hold(payload: unknown, from: NodeId): unknown {
    const [epoch, buckets] = fields(payload);
    if (!Array.isArray(buckets)) throw malformed(this.#world.name, "hold");
    if (this.#world.consistency === "quorum") return this.#holdSealed(Number(epoch), buckets);
    if (this.#standing.ring?.members.includes(from) !== true) return ["wait"];
    const held: unknown[] = [];
    for (const bucket of buckets as unknown[]) {
      if (!this.#standing.isBucket(bucket)) throw malformed(this.#world.name, "hold");
      if (!this.#standing.isComplete(bucket)) continue;
      // Deletions too: who becomes an owner must know which versions were given.
      if (!this.#replica.isBlank(bucket)) held.push([bucket, this.#digest(bucket)]);
    }
    return ["held", held];
  }

  /** Without buckets: whether this node is still pulling. With some: seals them, and which were warm and are blank. */
  #holdSealed(epoch: number, buckets: readonly unknown[]): unknown {
    const number = this.#standing.ring?.number ?? 0;
    if (buckets.length === 0) {
      return number < epoch || !this.#standing.isSettled() ? ["wait"] : ["held", []];
    }
    if (this.#standing.ring === undefined) return ["wait"];
    this.#standing.seal(epoch);
    const blank = buckets.filter(
      (bucket) =>
        this.#standing.isBucket(bucket) &&
        this.#standing.warmEpoch(bucket) >= epoch - 1 &&
        this.#replica.isBlank(bucket),
    );
    return ["blank", blank];
  }

  /**
   * `[epoch, bucket, after]` → `["wait"]` where this node does not see the asker as a member yet, `["cold"]` where it is
   * not complete itself, else `["page", items, next or null, floor, deleted]`.
   */
  answer(payload: unknown, from: NodeId): unknown {
    const [epoch, bucket, after] = fields(payload);
    const isKnown = this.#standing.isBucket(bucket) && typeof after === "string";
    if (!isKnown || typeof epoch !== "number") throw malformed(this.#world.name, "pull");
    if (this.#world.consistency === "quorum") {
      if (this.#standing.ring === undefined) return ["wait"];
      this.#standing.seal(epoch);
      if (this.#standing.warmEpoch(bucket) < epoch - 1) return ["cold"];
    } else {
      if (this.#standing.ring?.members.includes(from) !== true) return ["wait"];
      if (!this.#standing.isComplete(bucket)) return ["cold"];
    }
    return this.#page(bucket, after);
  }

  /** `[epoch, bucket, after]` → as `answer` gives a page, from the bucket's primary. @throws {ERR_CACHE_UNAVAILABLE} */
  async dump(payload: unknown): Promise<unknown> {
    const [epoch, bucket, after] = fields(payload);
    const { name, self } = this.#world;
    if (!this.#standing.isBucket(bucket) || typeof after !== "string")
      throw malformed(name, "dump");
    this.#standing.check(epoch);
    await this.#standing.warm([bucket]);
    if (!this.#standing.isPrimary(self, bucket)) {
      throw unavailable(name, "this node is not the primary of the bucket");
    }
    return this.#page(bucket, after);
  }

  #page(bucket: number, after: string): unknown {
    const nowMs = this.#world.clock.now();
    const { pageBytesMax } = this.#world.limits;
    const { items, next } = this.#replica.page(bucket, after, pageBytesMax, nowMs);
    const floor = wireVersion(this.#replica.floor(bucket));
    const deleted = wireVersion(this.#replica.deleted(bucket));
    return ["page", items.map(wireOf), next ?? null, floor, deleted];
  }

  /** What was queued by an older ring is given up: the new one asks for what it needs. */
  async #enqueue(
    ring: Ring,
    buckets: readonly number[],
    from: (bucket: number) => Fetch,
  ): Promise<void> {
    if (this.#standing.ring !== ring) return;
    for (const { done } of this.#queue) done();
    this.#queue = [];
    const tasks = buckets.map(
      (bucket) =>
        new Promise<void>((done) => {
          this.#queue.push({ bucket, ring, fetch: from(bucket), done });
        }),
    );
    this.#next();
    await Promise.all(tasks);
  }

  #next(): void {
    while (this.#running < this.#world.limits.pullsMax) {
      const task = this.#queue.shift();
      if (task === undefined) return;
      this.#running += 1;
      void this.#pull(task).finally(() => {
        task.done();
        this.#running -= 1;
        this.#next();
      });
    }
  }

  async #pull({ bucket, ring, fetch }: Task): Promise<void> {
    const snapshots = await fetch();
    if (this.#isOver(ring)) return;
    const nowMs = this.#world.clock.now();
    if (this.#world.consistency === "eventual") {
      // What others have deleted and do not remember one by one is given up here, too.
      for (const { items, deleted } of snapshots) this.#replica.giveUp(bucket, items, deleted);
    }
    for (const item of mergeSnapshots(snapshots)) this.#replica.apply(item, nowMs);
    const floor = snapshots.reduce((newest, each) => newerOf(newest, each.floor), NO_VERSION);
    this.#replica.raise(bucket, floor);
    this.#standing.markWarm(bucket);
  }

  #isOver(ring: Ring): boolean {
    return this.#standing.ring !== ring || this.#world.closed.aborted;
  }

  /** What a node holds of the buckets; nothing where it cannot be asked. */
  async #ask(node: NodeId, buckets: readonly number[], ring: Ring): Promise<readonly Held[]> {
    const untilMs = this.#world.clock.now() + this.#world.times.joinMs;
    while (!this.#isOver(ring) && this.#world.clock.now() < untilMs) {
      try {
        const payload = [ring.number, buckets];
        const reply = await this.#world.ask(node, "hold", payload, this.#world.times.copyMs);
        const [type, wires] = fields(reply);
        if (type === "held" && Array.isArray(wires)) return (wires as unknown[]).flatMap(heldOf);
      } catch (error) {
        if (this.#world.membership.member(node) === undefined) return [];
        if (!isPassing(error))
          this.#world.logger.debug("A member was not heard of what it holds", { error });
      }
      await pause(this.#world, this.#world.times.retryMs);
    }
    return [];
  }

  /** One snapshot of each digest, but for this node's own. */
  async #fromSources(
    bucket: number,
    ring: Ring,
    sources: readonly Source[],
  ): Promise<BucketPages[]> {
    const snapshots: BucketPages[] = [];
    const own = this.#digest(bucket);
    const done = new Set<string>(own === EMPTY ? [] : [own]);
    for (const { node, digest } of sources) {
      if (done.has(digest) || this.#isOver(ring)) continue;
      const answer = await this.#insist(node, bucket, ring);
      if (answer === undefined) continue;
      done.add(digest);
      snapshots.push(answer);
    }
    return snapshots;
  }

  /** What a node holds that said it holds something; a lost answer must not leave a hole. Undefined: nothing any more. */
  async #insist(node: NodeId, bucket: number, ring: Ring): Promise<BucketPages | undefined> {
    const { clock, times } = this.#world;
    const untilMs = clock.now() + times.joinMs;
    for (;;) {
      const answer = await this.#snapshot(node, bucket, ring.number);
      if (typeof answer === "object") return answer;
      if (answer === "cold" || this.#isOver(ring) || clock.now() >= untilMs) return undefined;
      await pause(this.#world, times.retryMs);
    }
  }

  #digest(bucket: number): string {
    const { count, fingerprint } = this.#replica.digest(bucket, this.#world.clock.now());
    return `${count}.${fingerprint}`;
  }

  async #fromSeal(
    bucket: number,
    ring: Ring,
    before: Before,
    blank: readonly NodeId[],
  ): Promise<BucketPages[]> {
    const { self, clock, times } = this.#world;
    const fallbackMs = before.learntAtMs + times.confirmedWithinMs * DRIFT;
    const owners = before.ring?.owners(bucket) ?? [];
    const needed = owners.length === 0 ? 1 : sealOf(owners.length);
    const found = new Map<NodeId, BucketPages>(blank.map((node) => [node, BLANK]));
    while (!this.#isOver(ring) && clock.now() < fallbackMs) {
      for (const node of owners) {
        if (found.has(node) || found.size >= needed) continue;
        const answer =
          node === self
            ? this.#own(bucket, ring.number)
            : await this.#snapshot(node, bucket, ring.number);
        if (typeof answer === "object") found.set(node, answer);
      }
      if (found.size >= needed) return [...found.values()];
      await pause(this.#world, times.retryMs);
    }
    // What is here of older epochs may be old; what came in this one was written in it.
    if (!this.#isOver(ring)) this.#replica.dropBelow(bucket, ring.number);
    return [];
  }

  /** What this node itself held at the end of the epoch before. */
  #own(bucket: number, epoch: number): BucketPages | "cold" {
    if (this.#standing.warmEpoch(bucket) < epoch - 1) return "cold";
    const { items } = this.#replica.page(bucket, "", Infinity, this.#world.clock.now());
    const byKey = new Map(items.map((item) => [item.key, item]));
    const [floor, deleted] = [this.#replica.floor(bucket), this.#replica.deleted(bucket)];
    return { items: byKey, floor, deleted };
  }

  /** All that a node holds of a bucket, page by page. */
  async #snapshot(
    node: NodeId,
    bucket: number,
    epoch: number,
  ): Promise<BucketPages | "wait" | "cold"> {
    const { times, limits, membership } = this.#world;
    let found: Awaited<ReturnType<typeof allPages>>;
    try {
      found = await allPages(bucket, limits.bucketPagesMax, (after) =>
        this.#world.ask(node, "pull", [epoch, bucket, after], times.copyMs),
      );
      if ("items" in found) checkTimely(this.#world, versionsOf(found));
    } catch (error) {
      // It has not opened the cache yet, or cannot be reached.
      const mayCome = isPassing(error) || isUnknown(error);
      return mayCome && membership.member(node) !== undefined ? "wait" : "cold";
    }
    if ("items" in found) return found;
    if (found.refusal === "wait" || found.refusal === "cold") return found.refusal;
    this.#world.logger.warn("A node answered what is no page of a bucket: nothing is taken of it", {
      ...{ cache: this.#world.name, node, bucket },
    });
    return "cold";
  }
}

function heldOf(wire: unknown): readonly Held[] {
  const [bucket, digest] = fields(wire);
  if (typeof bucket !== "number" || typeof digest !== "string") return [];
  return [{ bucket, digest }];
}
