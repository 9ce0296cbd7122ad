/**
 * A few replicas of a causal state over a network that loses, repeats and reorders, with wrong deaths
 * and restarts, and the book of what must be live: every write that no removal had seen.
 */
import type { Boot, NodeId } from "@foundation/core";
import { CAUSAL_LIMITS, type CausalLimits } from "../../src/limits.js";
import { CausalState } from "../../src/protocol/causal/causal-state.js";
import { chainOf } from "../../src/protocol/causal/dot-table.js";
import type { CausalInput } from "../../src/protocol/causal/inputs.js";
import { parseCausalMessage, type CausalMessage } from "../../src/protocol/causal/messages.js";
import type { StrandId } from "../../src/protocol/causal/strand.js";

/** Small enough that every transfer is cut into parts, pulls and rounds. */
export const TINY: CausalLimits = {
  ...CAUSAL_LIMITS,
  deltaEntriesMax: 2,
  deltaBytesAim: 80,
  flushBytesAim: 120,
  pullBytesAim: 120,
  vectorStrandsMax: 2,
  gapsMax: 3,
  bitmapsMax: 1,
  runsMax: 2,
};

/**
 * More than any history of these laws needs, by far: the most that one input was ever seen to cause
 * is 315. A talk without an end is found out soon, also in the hundredth smaller history.
 */
const DRAINED_MAX = 5_000;

interface Packet {
  readonly from: number;
  readonly to: number;
  readonly boot: number;
  readonly message: CausalMessage<number>;
}

interface Replica {
  readonly state: CausalState<number>;
  readonly boot: number;
  readonly mirror: Map<string, readonly number[]>;
  readonly up: Set<number>;
}

export interface CausalWorldOptions {
  readonly limits?: CausalLimits;
  readonly tombstoneMs?: number;
}

export const idOf = (i: number) => String(i).padStart(32, "0") as NodeId;
export const bootOf = (boot: number) => String(boot).padStart(24, "0") as Boot;
export const strandOf = (i: number, boot: number) => `${idOf(i)}/${bootOf(boot)}/1` as StrandId;

export class CausalWorld {
  readonly replicas: Replica[] = [];
  readonly options: CausalWorldOptions;
  packets: Packet[] = [];
  now = 0;
  /** The book: by key, values that must be live. Every write has its own value. */
  readonly live = new Map<string, Set<number>>();
  #values = 0;

  constructor(size: number, options: CausalWorldOptions = {}) {
    this.options = options;
    for (let i = 0; i < size; i += 1) this.replicas.push(this.#create(i, 0));
  }

  replica(i: number): Replica {
    return this.replicas[i] as Replica;
  }

  values(i: number, key: string): number[] {
    return chainOf(this.replica(i).state.head(key)).map(({ value }) => value);
  }

  write(i: number, key: string): void {
    const book = this.#unseen(i, key);
    const value = (this.#values += 1);
    this.live.set(key, new Set([...book, value]));
    this.input(i, { type: "write", key, value, wallMs: this.now, counter: 0 });
  }

  remove(i: number, key: string): void {
    this.live.set(key, new Set(this.#unseen(i, key)));
    this.input(i, { type: "remove", key });
  }

  flush(i: number): void {
    this.input(i, { type: "flush" });
  }

  deliver(pick: number, again = false): void {
    const packet = this.packets[pick % Math.max(1, this.packets.length)];
    if (packet === undefined) return;
    if (!again) this.packets.splice(this.packets.indexOf(packet), 1);
    if (this.replica(packet.to).boot !== packet.boot) return;
    const from = idOf(packet.from);
    this.input(packet.to, { type: "message", from, message: packet.message });
  }

  lose(pick: number): void {
    if (this.packets.length > 0) this.packets.splice(pick % this.packets.length, 1);
  }

  up(i: number, j: number): void {
    if (i === j || this.replica(i).up.has(j)) return;
    this.replica(i).up.add(j);
    this.input(i, { type: "member-up", id: idOf(j), boot: bootOf(this.replica(j).boot) });
  }

  down(i: number, j: number): void {
    if (!this.replica(i).up.delete(j)) return;
    this.input(i, { type: "member-down", id: idOf(j), boot: bootOf(this.replica(j).boot) });
  }

  tick(i: number, j: number): void {
    this.input(i, i === j ? { type: "tick" } : { type: "tick", peer: idOf(j) });
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
    for (let left = DRAINED_MAX; this.packets.length > 0; left -= 1) {
      if (left === 0) throw new Error("the replicas never stop talking");
      this.deliver(0);
    }
  }

  quiesce(): void {
    this.packets = [];
    this.connect();
    for (let i = 0; i < this.replicas.length; i += 1) this.flush(i);
    this.drain();
    for (let round = 0; round < 3; round += 1) {
      for (let i = 0; i < this.replicas.length; i += 1) {
        for (let j = 0; j < this.replicas.length; j += 1) {
          this.now += 10_000;
          this.tick(i, j);
          this.drain();
        }
      }
    }
  }

  /** Keys with their live values, sorted. */
  view(i: number): Record<string, number[]> {
    const out: Record<string, number[]> = {};
    for (const key of [...this.replica(i).state.keys()].sort()) {
      out[key] = this.values(i, key).sort((a, b) => a - b);
    }
    return out;
  }

  /** What every replica must show in the end. */
  get truth(): Record<string, number[]> {
    const out: Record<string, number[]> = {};
    for (const [key, values] of [...this.live].sort(([a], [b]) => (a < b ? -1 : 1))) {
      if (values.size > 0) out[key] = [...values].sort((a, b) => a - b);
    }
    return out;
  }

  input(i: number, input: CausalInput<number>): void {
    const replica = this.replica(i);
    for (const effect of replica.state.handle(input, this.now)) {
      if (effect.type === "broadcast") {
        for (const to of replica.up) this.#post(i, to, effect.message);
      } else if (effect.type === "send") {
        const to = Number(effect.to);
        if (replica.up.has(to)) this.#post(i, to, effect.message);
      } else if (effect.type === "changes") {
        for (const { key, before, after } of effect.changes) {
          const was = before.map(({ value }) => value);
          if (was.join() !== (replica.mirror.get(key) ?? []).join())
            throw new Error("a wrong before");
          replica.mirror.set(
            key,
            after.map(({ value }) => value),
          );
        }
      }
    }
  }

  #unseen(i: number, key: string): number[] {
    const seen = new Set(this.values(i, key));
    return [...(this.live.get(key) ?? [])].filter((value) => !seen.has(value));
  }

  #create(i: number, boot: number): Replica {
    const { limits = TINY, tombstoneMs = 86_400_000 } = this.options;
    const own = strandOf(i, boot);
    const state = new CausalState<number>({ own, limits, tombstoneMs, journals: false });
    state.isWatched = true;
    return { state, boot, mirror: new Map(), up: new Set() };
  }

  #post(from: number, to: number, message: CausalMessage<number>): void {
    const { limits = TINY } = this.options;
    const parsed = parseCausalMessage<number>(structuredClone(message), limits);
    if ("problem" in parsed) throw new Error(`${parsed.problem}: ${JSON.stringify(message)}`);
    this.packets.push({ from, to, boot: this.replica(to).boot, message: parsed.message });
  }
}
