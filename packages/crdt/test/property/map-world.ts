/**
 * A few replicas of a multi-writer map over a network that loses, repeats and reorders, with wrong
 * deaths and restarts. Stamps are [clock, node]; the clock of a replica follows what it sees.
 */
import type { Boot, NodeId } from "@foundation/core";
import { MAP_LIMITS, PULL_TIMEOUT_MS, type MapLimits } from "../../src/limits.js";
import type { MapInput } from "../../src/protocol/versioned/inputs.js";
import { bucketOf } from "../../src/protocol/versioned/bucket-table.js";
import { parseMapMessage, type MapMessage } from "../../src/protocol/versioned/messages.js";
import { VersionedState } from "../../src/protocol/versioned/versioned-state.js";

export type Stamp = readonly [number, number];

export const compareStamps = (a: Stamp, b: Stamp) => a[0] - b[0] || a[1] - b[1];

const isStamp = (value: unknown): value is Stamp =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isSafeInteger);

/** Small enough that every transfer is cut into parts and rounds. */
export const TINY_MAP: MapLimits = {
  ...MAP_LIMITS,
  deltaEntriesMax: 2,
  roundEntriesMax: 4,
  summaryBytesAim: 90,
  roundBytesAim: 90,
};

/** Keys of which every other one is in the bucket of the first: that one is compared in parts. */
export const KEYS: readonly string[] = (() => {
  const keys: string[] = [];
  for (let n = 0; keys.length < 16; n += 1) {
    const isOdd = keys.length % 2 === 1;
    if (isOdd || n === 0 || bucketOf(`k${n}`) === bucketOf("k0")) keys.push(`k${n}`);
  }
  return keys;
})();

interface Packet {
  readonly from: number;
  readonly to: number;
  readonly boot: number;
  readonly message: MapMessage<number, Stamp>;
}

interface Replica {
  state: VersionedState<number, Stamp>;
  clock: number;
  boot: number;
  readonly mirror: Map<string, number>;
  readonly up: Set<number>;
}

export interface MapWorldOptions {
  readonly limits?: MapLimits;
  readonly tombstoneMs?: number;
}

export class MapWorld {
  readonly replicas: Replica[] = [];
  readonly options: MapWorldOptions;
  packets: Packet[] = [];
  now = 0;
  delivered = 0;

  constructor(size: number, options: MapWorldOptions = {}) {
    this.options = options;
    for (let i = 0; i < size; i += 1) this.replicas.push(this.#create(i, 0));
  }

  replica(i: number): Replica {
    return this.replicas[i % this.replicas.length] as Replica;
  }

  idOf(i: number): NodeId {
    return String(i).padStart(32, "0") as NodeId;
  }

  input(i: number, input: MapInput<number, Stamp>): void {
    const replica = this.replica(i);
    // Also of what changes nothing here: a deletion of what was never heard of may be forgotten again.
    if (input.type === "message" && input.message.type === "delta") {
      for (const [, [at]] of input.message.items) replica.clock = Math.max(replica.clock, at);
    }
    for (const effect of replica.state.handle(input, this.now)) {
      if (effect.type === "broadcast")
        for (const to of replica.up) this.#post(i, to, effect.message);
      else if (effect.type === "send") {
        const to = Number(effect.to);
        if (replica.up.has(to)) this.#post(i, to, effect.message);
      } else if (effect.type === "changes") {
        for (const change of effect.changes) {
          if (change.previous !== replica.mirror.get(change.key))
            throw new Error("a wrong previous");
          replica.clock = Math.max(replica.clock, change.stamp[0]);
          if (change.type === "set") replica.mirror.set(change.key, change.value);
          else replica.mirror.delete(change.key);
        }
      } else throw new Error(effect.type);
    }
  }

  /** Greater than what the replica knows of any key it was told a change of, and of this one. */
  stamp(i: number, key?: string): Stamp {
    const replica = this.replica(i);
    const [known = 0] = (key !== undefined && replica.state.stampOf(key)) || [];
    replica.clock = Math.max(replica.clock, known);
    replica.clock += 1;
    return [replica.clock, i];
  }

  set(i: number, key: string, value: number, stamp = this.stamp(i, key)): void {
    this.input(i, { type: "set", key, value, stamp });
  }

  delete(i: number, key: string, stamp = this.stamp(i, key)): void {
    this.input(i, { type: "delete", key, stamp });
  }

  flush(i: number): void {
    this.input(i, { type: "flush" });
  }

  deliver(pick: number, again = false): void {
    const packet = this.packets[pick % Math.max(1, this.packets.length)];
    if (packet === undefined) return;
    if (!again) this.packets.splice(this.packets.indexOf(packet), 1);
    if (this.replica(packet.to).boot !== packet.boot) return;
    this.delivered += 1;
    this.input(packet.to, {
      type: "message",
      from: this.idOf(packet.from),
      message: packet.message,
    });
  }

  lose(pick: number): void {
    if (this.packets.length > 0) this.packets.splice(pick % this.packets.length, 1);
  }

  up(i: number, j: number): void {
    if (i === j || this.replica(i).up.has(j)) return;
    this.replica(i).up.add(j);
    const boot = String(this.replica(j).boot).padStart(24, "0") as Boot;
    this.input(i, { type: "member-up", id: this.idOf(j), boot });
  }

  down(i: number, j: number): void {
    if (!this.replica(i).up.delete(j)) return;
    const boot = String(this.replica(j).boot).padStart(24, "0") as Boot;
    this.input(i, { type: "member-down", id: this.idOf(j), boot });
  }

  tick(i: number, j: number): void {
    this.input(i, i === j ? { type: "tick" } : { type: "tick", peer: this.idOf(j) });
  }

  /** Comes back empty; the others have seen it go. */
  restart(i: number): void {
    for (let j = 0; j < this.replicas.length; j += 1) this.down(j, i);
    this.replicas[i] = this.#create(i, this.replica(i).boot + 1);
  }

  connect(): void {
    for (let i = 0; i < this.replicas.length; i += 1) {
      for (let j = 0; j < this.replicas.length; j += 1) this.up(i, j);
    }
  }

  drain(): void {
    for (let left = 100_000; this.packets.length > 0; left -= 1) {
      if (left === 0) throw new Error("the replicas never stop talking");
      this.deliver(0);
    }
  }

  /** Everybody compares with everybody, as soon as what fell silent has ended. */
  meet(): void {
    this.connect();
    this.drain();
    this.now += PULL_TIMEOUT_MS;
    for (let i = 0; i < this.replicas.length; i += 1) {
      for (let j = 0; j < this.replicas.length; j += 1) {
        this.tick(i, j);
        this.drain();
      }
    }
  }

  quiesce(): void {
    this.packets = [];
    this.connect();
    for (let i = 0; i < this.replicas.length; i += 1) this.flush(i);
    this.drain();
    for (let round = 0; round < 2; round += 1) {
      for (let i = 0; i < this.replicas.length; i += 1) {
        for (let j = 0; j < this.replicas.length; j += 1) {
          this.now += 10_000;
          this.tick(i, j);
          this.drain();
        }
      }
    }
  }

  items(i: number): [string, { readonly value: number; readonly stamp: Stamp }][] {
    const live = [...this.replica(i).state.live()];
    return live.map(({ key, value, stamp }) => [key, { value: value as number, stamp }]);
  }

  view(i: number): Record<string, number> {
    const items = [...this.replica(i).state.live()].map(({ key, value }) => [key, value as number]);
    return Object.fromEntries(items.sort()) as Record<string, number>;
  }

  #create(i: number, boot: number): Replica {
    const { limits = TINY_MAP, tombstoneMs = 86_400_000 } = this.options;
    const state = new VersionedState<number, Stamp>({
      self: this.idOf(i),
      limits,
      tombstoneMs,
      compare: compareStamps,
    });
    return { state, clock: 0, boot, mirror: new Map(), up: new Set() };
  }

  #post(from: number, to: number, message: MapMessage<number, Stamp>): void {
    const { limits = TINY_MAP } = this.options;
    const parsed = parseMapMessage<number, Stamp>(structuredClone(message), limits, isStamp);
    if ("problem" in parsed) throw new Error(parsed.problem);
    this.packets.push({ from, to, boot: this.replica(to).boot, message: parsed.message });
  }
}
