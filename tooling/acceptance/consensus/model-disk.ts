/**
 * ModelDisk: what a member's disk holds, as the core's contract has it: writes become durable in their order, each as a
 * whole; a crash loses those that were not, but for a first part of them that may have reached the disk unacknowledged.
 *
 * It is also what checks look into: what is really durable, whatever the member says of itself.
 */
import type { NodeId } from "@foundation/core";
import {
  configurationOf,
  FIRST_HARD_STATE,
  firstEntries,
  type Entry,
  type HardState,
  type Recovered,
  type SnapshotMeta,
  type StagedChunk,
  type Write,
} from "@foundation/consensus";
import { LogView } from "./log-view.js";
import { fail } from "./violation.js";

export interface StoredSnapshot {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

export class ModelDisk {
  hardState: HardState = { term: 0, vote: undefined, commit: 0 };
  entries: Entry[] = [];
  snapshot: StoredSnapshot | undefined;
  /** The log with what is still being written. */
  view = new LogView();
  readonly #pending: Write[] = [];
  #staged: { readonly meta: SnapshotMeta; bytes: number[] } | undefined;
  /** Whatever is or was staged, by id: also one that was given up may still be on the disk. */
  readonly #arrived = new Map<string, { readonly meta: SnapshotMeta; bytes: number[] }>();
  #complete: StoredSnapshot[] = [];

  /** Of a first voter. */
  found(voters: readonly NodeId[]): void {
    const entries = firstEntries(configurationOf(voters));
    this.restart({ hardState: FIRST_HARD_STATE, entries }, undefined);
  }

  /** A process starts and finds this. */
  restart({ hardState, entries, staged }: Recovered, snapshot: StoredSnapshot | undefined): void {
    this.#staged = undefined;
    if (staged) {
      const arrived = this.#arrived.get(staged.id);
      if (!arrived || arrived.bytes.length < staged.offset) {
        fail("disk", "more of a snapshot is found than has arrived");
      }
      this.#staged = { meta: arrived.meta, bytes: arrived.bytes.slice(0, staged.offset) };
    }
    this.hardState = hardState;
    this.entries = [...entries];
    this.snapshot = snapshot;
    this.#pending.length = 0;
    this.#complete = [];
    this.#look();
  }

  /** Gives the entries that the write replaces by others, by index and term. */
  begin(write: Write): readonly (readonly [index: number, term: number])[] {
    this.#pending.push(write);
    const { install, append } = write;
    if (install) this.view.restart(install);
    return append ? this.view.replace(append.after, append.entries) : [];
  }

  /** Writes up to `number` are durable. */
  complete(number: number): void {
    while (this.#pending[0] !== undefined && this.#pending[0].number <= number) {
      this.#perform(this.#pending.shift() as Write);
    }
  }

  /** Of the open writes the first `kept` reached the disk. */
  crash(kept: number, areStagedKept: boolean): void {
    for (const write of this.#pending.splice(0).slice(0, kept)) this.#perform(write);
    this.#complete = [];
    if (!areStagedKept) this.#staged = undefined;
    this.#look();
  }

  get openWrites(): number {
    return this.#pending.length;
  }

  /** The number of the write that has waited longest. */
  get oldestWrite(): number | undefined {
    return this.#pending[0]?.number;
  }

  stage({ snapshot: meta, offset, data, isLast }: StagedChunk): void {
    if (offset === 0) this.#staged = { meta, bytes: [] };
    const staged = this.#staged;
    if (!staged || staged.meta.id !== meta.id || staged.bytes.length !== offset) {
      fail("disk", "a chunk is staged that does not follow the one before");
    }
    for (const byte of data) staged.bytes.push(byte);
    this.#arrived.set(meta.id, staged);
    if (!isLast) return;
    this.#complete.push({ meta, bytes: new Uint8Array(staged.bytes) });
    this.#staged = undefined;
  }

  /** The bytes of a snapshot that arrived wholly. */
  stagedBytes(id: string): Uint8Array {
    const stored = this.#complete.find(({ meta }) => meta.id === id);
    return stored?.bytes ?? fail("disk", "a snapshot is installed that was not staged");
  }

  /** The state machine's own snapshot is durable. */
  keep(snapshot: StoredSnapshot, keepAfter: number): void {
    this.snapshot = snapshot;
    this.entries = this.entries.filter(({ index }) => index > keepAfter);
    this.view.compact(snapshot.meta, keepAfter);
  }

  recovered(): Recovered {
    const { hardState, snapshot } = this;
    const behind = snapshot?.meta.index ?? 0;
    this.entries = this.entries.filter(({ index }) => index > behind);
    this.#look();
    return {
      hardState,
      entries: this.entries,
      ...(snapshot && { snapshot: snapshot.meta }),
      ...(this.#staged && {
        staged: { id: this.#staged.meta.id, offset: this.#staged.bytes.length },
      }),
    };
  }

  /** The log is durable up to here. */
  get lastIndex(): number {
    return Math.max(this.entries.at(-1)?.index ?? 0, this.snapshot?.meta.index ?? 0);
  }

  hasDurably(index: number, term: number): boolean {
    if ((this.snapshot?.meta.index ?? 0) >= index) return true;
    const first = this.entries[0]?.index ?? 0;
    return this.entries[index - first]?.term === term;
  }

  #look(): void {
    const { entries, snapshot } = this;
    this.view = new LogView();
    if (snapshot) this.view.restart(snapshot.meta);
    const first = entries.find(({ index }) => index > (snapshot?.meta.index ?? 0));
    if (first) this.view.replace(first.index - 1, entries.slice(entries.indexOf(first)));
  }

  #perform({ hardState, install, append }: Write): void {
    const { term, vote } = this.hardState;
    if (hardState.term < term) fail("disk", "the term on disk falls");
    if (hardState.term === term && vote !== undefined && hardState.vote !== vote) {
      fail("disk", `the vote of term ${term} changes on disk`);
    }
    this.hardState = hardState;
    if (install) {
      this.snapshot = { meta: install, bytes: this.stagedBytes(install.id) };
      this.entries = [];
    }
    if (!append) return;
    if (append.after > this.lastIndex) fail("disk", "a write leaves a gap");
    const first = this.entries[0]?.index ?? append.after + 1;
    this.entries.length = Math.max(0, Math.min(this.entries.length, append.after + 1 - first));
    this.entries.push(...append.entries);
  }
}
