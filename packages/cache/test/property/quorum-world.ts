/**
 * QuorumWorld: nodes with one cache in quorum mode, clients that write and read, and faults, by a seed.
 *
 * The store of epochs is linearizable and answers only nodes on the side of most; the rest is the real package over a
 * cluster in memory, on virtual time.
 */
import { isFoundationError } from "@foundation/core";
import type { Random } from "@foundation/core";
import {
  memoryCluster,
  memoryRuntime,
  seededRandom,
  virtualClock,
  type MemoryClusterNode,
} from "@foundation/core/testing";
import { createCaches, type Cache, type EpochStore, type RingEpoch } from "@foundation/cache";

interface Write {
  readonly key: string;
  readonly value: number;
  readonly startedAt: number;
  endedAt: number;
}

interface Read {
  readonly key: string;
  readonly value: number | undefined;
  readonly startedAt: number;
}

const KEYS = 6;

export class QuorumWorld {
  readonly clock = virtualClock();
  readonly random: Random;
  readonly cluster;
  readonly caches = new Map<MemoryClusterNode, Cache<number>>();
  readonly writes: Write[] = [];
  readonly reads: Read[] = [];
  readonly cut = new Set<MemoryClusterNode>();
  committed: RingEpoch | undefined;
  values = 0;

  constructor(
    seed: number,
    readonly replicas: number,
  ) {
    this.random = seededRandom(seed);
    this.cluster = memoryCluster({
      clock: this.clock,
      nodes: 5,
      random: this.random.fork("cluster"),
      detectionMs: 150,
    });
    for (const node of this.cluster.nodes) this.open(node);
  }

  open(node: MemoryClusterNode): void {
    const { messenger, membership, broadcast, id, boot } = node;
    const runtime = memoryRuntime({ clock: this.clock, seed: id + boot });
    const caches = createCaches({
      ...{ messenger, membership, broadcast, runtime },
      epochs: () => this.storeOf(node),
    });
    const times = { copyMs: 200, confirmedWithinMs: 1_500 };
    const options = { consistency: "quorum", replicas: this.replicas, times } as const;
    this.caches.set(node, caches.open<number>("numbers", options));
  }

  storeOf(node: MemoryClusterNode): EpochStore {
    const reach = async () => {
      await this.clock.sleep(1 + this.random.next() * 10);
      // Of a node that has died nothing runs any more.
      if (!this.cluster.nodes.includes(node)) await new Promise(() => undefined);
      if (this.cut.has(node)) throw new Error("most voters are on the other side");
    };
    return {
      read: async () => {
        await reach();
        const { committed } = this;
        await this.clock.sleep(1 + this.random.next() * 10);
        return committed;
      },
      replace: async (expected, next) => {
        await reach();
        if ((this.committed?.epoch ?? 0) !== expected) return false;
        this.committed = next;
        await reach();
        return true;
      },
    };
  }

  pick<T>(list: readonly T[]): T {
    return list[Math.floor(this.random.next() * list.length)] as T;
  }

  /** One client's work: writes and reads of few keys, until told to stop. */
  async client(until: number): Promise<void> {
    while (this.clock.now() < until) {
      const node = this.pick(this.cluster.nodes);
      const cache = this.caches.get(node);
      const key = `key-${Math.floor(this.random.next() * KEYS)}`;
      const startedAt = this.clock.now();
      if (cache !== undefined) await this.operate(cache, key, startedAt);
      await this.clock.sleep(this.random.next() * 40);
    }
  }

  async operate(cache: Cache<number>, key: string, startedAt: number): Promise<void> {
    const options = { timeout: 600 };
    const isWrite = this.random.next() < 0.4;
    const write: Write = { key, value: ++this.values, startedAt, endedAt: Infinity };
    if (isWrite) this.writes.push(write);
    try {
      if (isWrite) {
        await cache.set(key, write.value, options);
        write.endedAt = this.clock.now();
      } else {
        const value = await cache.get(key, options);
        this.reads.push({ key, value, startedAt });
      }
    } catch (error) {
      if (!isFoundationError(error)) throw error;
    }
  }

  async faults(until: number): Promise<void> {
    while (this.clock.now() < until) {
      await this.clock.sleep(300 + this.random.next() * 2_500);
      const { nodes } = this.cluster;
      const kind = this.random.next();
      if (this.cut.size > 0) {
        this.cut.clear();
        this.cluster.heal();
      } else if (kind < 0.45) {
        const minority = [...nodes].sort(() => this.random.next() - 0.5).slice(0, 2);
        for (const node of minority) this.cut.add(node);
        this.cluster.partition(minority);
      } else if (kind < 0.65) {
        const node = this.pick(nodes);
        this.caches.delete(node);
        this.open(this.cluster.restart(node));
      } else if (kind < 0.8 && nodes.length > 4) {
        this.cluster.down(this.pick(nodes));
      } else if (nodes.length < 7) {
        this.open(this.cluster.add());
      }
    }
    this.cut.clear();
    this.cluster.heal();
  }

  /** Values that were read although a newer write had been acknowledged before the read began. */
  stale(): string[] {
    const byValue = new Map(this.writes.map((write) => [write.value, write]));
    const found: string[] = [];
    for (const { key, value, startedAt } of this.reads) {
      if (value === undefined) continue;
      const written = byValue.get(value);
      if (written?.key !== key) found.push(`${key}: ${value} was never written to it`);
      const newer = this.writes.find(
        (other) =>
          other.key === key &&
          other.endedAt < startedAt &&
          (written?.endedAt ?? Infinity) < other.startedAt,
      );
      if (newer !== undefined)
        found.push(`${key}: ${value} read at ${startedAt}, after ${newer.value}`);
    }
    return found;
  }
}

export async function play(seed: number, replicas: number): Promise<QuorumWorld> {
  const world = new QuorumWorld(seed, replicas);
  await world.clock.advance(3_000);
  const until = world.clock.now() + 12_000;
  // What runs on a node that dies never settles: nobody waits for the clients.
  for (let i = 0; i < 4; i++) void world.client(until);
  void world.faults(until);
  await world.clock.advance(12_000);
  await world.clock.advance(20_000);
  return world;
}
