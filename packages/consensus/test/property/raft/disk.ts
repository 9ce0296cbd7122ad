/**
 * Disk: a member's disk in a test. Writes become durable in their order; a crash loses those that
 * were not, but for a first part of them that may have reached the disk unacknowledged.
 */
import type { NodeId } from "@foundation/core";
import { configurationOf, type Configuration } from "../../../src/protocol/raft/configuration.js";
import {
  FIRST_HARD_STATE,
  firstEntries,
  type Entry,
  type HardState,
  type SnapshotMeta,
} from "../../../src/protocol/raft/entry.js";
import type { StagedChunk, Write } from "../../../src/protocol/raft/inputs.js";
import type { Recovered } from "../../../src/protocol/raft/state.js";

export interface StoredSnapshot {
  readonly meta: SnapshotMeta;
  readonly bytes: Uint8Array;
}

export class Disk {
  hardState: HardState = { term: 0, vote: undefined, commit: 0 };
  entries: Entry[] = [];
  snapshot: StoredSnapshot | undefined;
  readonly #pending: Write[] = [];
  #staged: { readonly meta: SnapshotMeta; bytes: number[] } | undefined;
  #complete: StoredSnapshot[] = [];

  /** Of a first voter. */
  found(voters: readonly NodeId[]): void {
    this.hardState = FIRST_HARD_STATE;
    this.entries = [...firstEntries(configurationOf(voters))];
  }

  begin(write: Write): void {
    this.#pending.push(write);
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
  }

  get openWrites(): number {
    return this.#pending.length;
  }

  stage({ snapshot: meta, offset, data, isLast }: StagedChunk): void {
    if (offset === 0) this.#staged = { meta, bytes: [] };
    const staged = this.#staged;
    if (!staged || staged.meta.id !== meta.id || staged.bytes.length !== offset) {
      throw new Error("a chunk is staged that does not follow");
    }
    staged.bytes.push(...data);
    if (!isLast) return;
    this.#complete.push({ meta, bytes: new Uint8Array(staged.bytes) });
    this.#staged = undefined;
  }

  /** What a snapshot that arrived wholly says. */
  stagedState(id: string): string {
    const stored = this.#complete.find(({ meta }) => meta.id === id);
    if (!stored) throw new Error("a snapshot is installed that was not staged");
    return new TextDecoder().decode(stored.bytes);
  }

  /** The state machine's own snapshot is durable. */
  keep(snapshot: StoredSnapshot, keepAfter: number): void {
    this.snapshot = snapshot;
    this.entries = this.entries.filter(({ index }) => index > keepAfter);
  }

  recovered(): Recovered {
    const { hardState, entries, snapshot } = this;
    const behind = snapshot?.meta.index ?? 0;
    this.entries = entries.filter(({ index }) => index > behind);
    return {
      hardState,
      entries: this.entries,
      ...(snapshot && { snapshot: snapshot.meta }),
      ...(this.#staged && {
        staged: { id: this.#staged.meta.id, offset: this.#staged.bytes.length },
      }),
    };
  }

  /** The log with what is still being written: (index, term) of each entry. */
  view(): Map<number, number> {
    const terms = new Map<number, number>();
    if (this.snapshot) terms.set(this.snapshot.meta.index, this.snapshot.meta.term);
    for (const { index, term } of this.entries) terms.set(index, term);
    for (const { install, append } of this.#pending) {
      if (install) {
        terms.clear();
        terms.set(install.index, install.term);
      }
      if (!append) continue;
      for (const index of [...terms.keys()]) if (index > append.after) terms.delete(index);
      for (const { index, term } of append.entries) terms.set(index, term);
    }
    return terms;
  }

  /** The log is durable up to here. */
  get lastIndex(): number {
    return Math.max(this.entries.at(-1)?.index ?? 0, this.snapshot?.meta.index ?? 0);
  }

  hasDurably(index: number, term: number): boolean {
    if ((this.snapshot?.meta.index ?? 0) >= index) return true;
    return this.entries.some((entry) => entry.index === index && entry.term === term);
  }

  /** The latest configuration, with what is still being written. */
  configuration(): Configuration | undefined {
    let latest = this.snapshot && { ...this.snapshot.meta };
    const found = new Map<number, Configuration>();
    const learn = (entries: readonly Entry[]): void => {
      for (const entry of entries) {
        if (entry.type === "configuration") found.set(entry.index, entry.configuration);
      }
    };
    learn(this.entries);
    for (const { install, append } of this.#pending) {
      if (install) {
        found.clear();
        latest = install;
      }
      if (!append) continue;
      for (const index of [...found.keys()]) if (index > append.after) found.delete(index);
      learn(append.entries);
    }
    const last = Math.max(...found.keys());
    return last > (latest?.index ?? 0) ? found.get(last) : latest?.configuration;
  }

  #perform({ hardState, install, append }: Write): void {
    if (hardState.term < this.hardState.term) throw new Error("the term on disk falls");
    this.hardState = hardState;
    if (install) {
      const stored = this.#complete.find(({ meta }) => meta.id === install.id);
      if (!stored) throw new Error("a snapshot is installed that was not staged");
      this.snapshot = stored;
      this.entries = [];
    }
    if (!append) return;
    const last = this.entries.at(-1)?.index ?? this.snapshot?.meta.index ?? 0;
    if (append.after > last) throw new Error("a write leaves a gap");
    this.entries = this.entries.filter(({ index }) => index <= append.after);
    this.entries.push(...append.entries);
  }
}
