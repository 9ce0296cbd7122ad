/**
 * CoreDisk: what a node of a core world has written, and how much of it is there for good.
 *
 * Writes are synced in order, each some time after it was asked for. When the process dies, what it wrote is with the
 * operating system and gets to the disk; when the power goes, the unsynced writes are lost but for a first part of them
 * that chance decides: a disk may have been faster than it said.
 */
import type { Random } from "@foundation/core/ports";

/** From when on a write is safe, in milliseconds after it was asked for. */
export interface DiskConditions {
  readonly syncMs: number;
  /** Up to this much more. */
  readonly jitterMs: number;
}

export class CoreDisk<Write> {
  readonly #random: Random;
  readonly #schedule: (atMs: number, run: () => void) => void;
  #synced: Write[] = [];
  #unsynced: Write[] = [];
  #lastSyncMs = 0;
  /** What would have been synced while the disk stalls; none while it does not. */
  #held: (() => void)[] | undefined;
  #stalledUntilMs = 0;
  /** Counts losses: what was scheduled before one does nothing after it. */
  #epoch = 0;

  constructor(random: Random, schedule: (atMs: number, run: () => void) => void) {
    this.#random = random;
    this.#schedule = schedule;
  }

  /** What is there for good, in order. */
  get synced(): readonly Write[] {
    return this.#synced;
  }

  write(write: Write, nowMs: number, conditions: DiskConditions, onSynced: () => void): void {
    const { syncMs, jitterMs } = conditions;
    const takesMs = syncMs + jitterMs * this.#random.next();
    this.#lastSyncMs = Math.max(this.#lastSyncMs, nowMs + takesMs);
    this.#unsynced.push(write);
    const epoch = this.#epoch;
    const sync = () => {
      if (epoch !== this.#epoch) return;
      if (this.#held) {
        this.#held.push(sync);
        return;
      }
      const [first] = this.#unsynced.splice(0, 1);
      this.#synced.push(first as Write);
      onSynced();
    };
    this.#schedule(this.#lastSyncMs, sync);
  }

  /** Nothing is synced until then; a longer stall goes on when a shorter one ends. */
  stall(untilMs: number): void {
    this.#held ??= [];
    this.#stalledUntilMs = Math.max(this.#stalledUntilMs, untilMs);
    this.#schedule(untilMs, () => {
      if (untilMs >= this.#stalledUntilMs) this.release();
    });
  }

  release(): void {
    this.#stalledUntilMs = 0;
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const sync of held) sync();
  }

  /** The process is gone. Gives how many writes were lost. */
  ended(kind: "process" | "power"): number {
    const unsynced = this.#unsynced;
    const count = unsynced.length;
    const safe = kind === "process" ? count : Math.floor(this.#random.next() * (count + 1));
    this.#synced.push(...unsynced.slice(0, safe));
    this.#forget();
    return count - safe;
  }

  wipe(): void {
    this.#synced = [];
    this.#forget();
  }

  #forget(): void {
    this.#unsynced = [];
    this.#epoch += 1;
    this.#lastSyncMs = 0;
    if (this.#held) this.#held = [];
  }
}
