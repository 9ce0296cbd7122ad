/**
 * LogWorld: a durable log on a crashing disk beside a model of it.
 *
 * The model is the list of states the log went through, one for each thing it was told to write. Whatever happens to the
 * disk, what is found afterwards must be one of them, and none from before the last that was acknowledged.
 */
import assert from "node:assert/strict";
import { createNodeId, isFoundationError } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import { seededRandom } from "@foundation/core/testing";
import { configurationOf } from "../../../src/protocol/raft/configuration.js";
import type { Entry, HardState, SnapshotMeta } from "../../../src/protocol/raft/entry.js";
import { openDurableLog, type DurableLog } from "../../../src/storage/durable-log.js";
import type { SnapshotWriter } from "../../../src/storage/snapshot-writer.js";
import { CrashingDisk } from "./crashing-disk.js";

/** Small, so that a short run has many segments, parts and witnesses. */
export const SMALL_LIMITS = {
  segmentBytesAim: 1_024,
  batchBytesAim: 512,
  windowBytesAim: 400,
  witnessBytesMax: 400,
  snapshotPartBytes: 64,
};

export const GROUP = "group-of-a-test";
const VOTERS = [1, 2, 3].map((n) => createNodeId(seededRandom(`voter-${n}`)));

export interface ModelState {
  /** By index; entries that were compacted stay. */
  readonly entries: readonly Entry[];
  /** The index before `entries[0]`. */
  readonly base: number;
  readonly hardState: HardState;
  readonly snapshot: { readonly meta: SnapshotMeta; readonly bytes: Uint8Array } | undefined;
}

const EMPTY: ModelState = {
  entries: [],
  base: 0,
  hardState: { term: 0, vote: undefined, commit: 0 },
  snapshot: undefined,
};

export class LogWorld {
  readonly random: Random;
  readonly disk: CrashingDisk;
  log: DurableLog;
  /** From the last one that is certain to what was written last. */
  states: ModelState[] = [EMPTY];
  /** Which of the states is acknowledged. */
  #acknowledged = 0;
  #life = 0;
  /** What kinds of things happened, for the test to see that they do. */
  readonly seen = new Map<string, number>();

  private constructor(random: Random, disk: CrashingDisk, log: DurableLog) {
    this.random = random;
    this.disk = disk;
    this.log = log;
  }

  static async open(seed: string): Promise<LogWorld> {
    const random = seededRandom(seed);
    const disk = new CrashingDisk(random.fork("disk"));
    return new LogWorld(random, disk, await openOn(disk));
  }

  get state(): ModelState {
    return this.states.at(-1) as ModelState;
  }

  /** Does something that a member of a group may do, or that happens to one. */
  async act(): Promise<void> {
    const actions: readonly (readonly [number, string, () => void | Promise<void>])[] = [
      [30, "append", () => this.#append()],
      [8, "replace", () => this.#replace()],
      [10, "hard state", () => this.#hardState()],
      [4, "own snapshot", () => this.#snapshot(this.state.hardState.commit, false)],
      [2, "leader's snapshot", () => this.#leadersSnapshot()],
      [5, "compact", () => this.#compact()],
      [40, "step", () => this.#steps()],
      [3, "full disk", () => this.#fillDisk()],
      [2, "crash", () => this.crash()],
      [2, "kill", () => this.#kill()],
      [5, "check", () => this.#drainAndCheck()],
    ];
    let at = this.random.next() * actions.reduce((sum, [weight]) => sum + weight, 0);
    for (const [weight, name, action] of actions) {
      at -= weight;
      if (at >= 0) continue;
      this.#note(name);
      await action();
      return;
    }
  }

  async crash(): Promise<void> {
    this.disk.crash();
    await this.#restart();
  }

  /** What is found then is built upon, so it must be there after a power cut too. */
  async #kill(): Promise<void> {
    this.disk.kill();
    await this.#restart();
    if (this.random.next() < 0.5) await this.crash();
  }

  async #restart(): Promise<void> {
    this.log = await openOn(this.disk);
    if (this.log.recovery.cut) this.#note("cut");
    await this.#settleOn(this.log);
  }

  /** Waits until all is written; what is there must be the last state. */
  async drain(): Promise<void> {
    await this.disk.until(this.log.append({}));
    await this.disk.until(this.log.close());
    while (!this.disk.isIdle) await this.disk.step();
    this.states = [this.state];
    this.#acknowledged = 0;
  }

  async #drainAndCheck(): Promise<void> {
    await this.disk.until(this.log.append({}));
    assert.equal(this.log.durableIndex, this.log.lastIndex);
    const found = await this.disk.until(readState(this.log));
    assert.ok(isSame(found, this.state), describe(found, [this.state]));
  }

  /** The log shows one of the states from the acknowledged one on: it is the only one from now on. */
  async #settleOn(log: DurableLog): Promise<void> {
    const found = await this.disk.until(readState(log));
    const possible = this.states.slice(this.#acknowledged);
    const state = possible.findLast((each) => isSame(found, each));
    assert.ok(state, describe(found, possible));
    this.states = [state];
    this.#acknowledged = 0;
    this.#life += 1;
    // A member that has started again begins nothing in a term that it has been in before.
    this.#note("settled");
    this.#bumpTerm();
  }

  #append(): void {
    this.#write(lastOf(this.state) + 1);
  }

  #replace(): void {
    const { hardState, base } = this.state;
    const lowest = Math.max(hardState.commit, base) + 1;
    const choices = lastOf(this.state) - lowest + 1;
    if (choices <= 0) return;
    this.#bumpTerm();
    this.#write(lowest + Math.floor(this.random.next() * choices));
  }

  #write(from: number): void {
    const state = this.state;
    const count = 1 + Math.floor(this.random.next() * 4);
    const before = termOf(state, from - 1);
    const { term } = state.hardState;
    if (before === undefined || term === 0) return;
    const entries = Array.from({ length: count }, (_, i) => this.#entry(from + i, term));
    const kept = state.entries.slice(0, from - 1 - state.base);
    const commit = this.random.next() < 0.3 ? from - 1 + Math.floor(this.random.next() * count) : 0;
    const hardState = {
      ...state.hardState,
      commit: Math.max(commit, state.hardState.commit),
    };
    this.states.push({ ...state, entries: [...kept, ...entries], hardState });
    this.#expect(this.log.append({ hardState, entries }));
  }

  #bumpTerm(): void {
    const { term, commit } = this.state.hardState;
    this.#setHardState({ term: term + 1, vote: undefined, commit });
  }

  #hardState(): void {
    const { term, vote, commit } = this.state.hardState;
    const voter = VOTERS[Math.floor(this.random.next() * VOTERS.length)];
    const reach = lastOf(this.state) - commit;
    const raised = commit + Math.floor(this.random.next() * (reach + 1));
    if (this.random.next() < 0.3) {
      this.#setHardState({ term: term + 1, vote: voter, commit: raised });
    } else this.#setHardState({ term, vote: vote ?? voter, commit: raised });
  }

  #setHardState(hardState: HardState): void {
    this.states.push({ ...this.state, hardState });
    this.#expect(this.log.append({ hardState }));
  }

  async #leadersSnapshot(): Promise<void> {
    if (await this.#resume()) return;
    const { hardState } = this.state;
    const within = this.random.next() < 0.4;
    const index = within ? hardState.commit + 1 : lastOf(this.state) + 3;
    if (this.random.next() < 0.5) this.#bumpTerm();
    await this.#snapshot(index, true);
  }

  async #snapshot(index: number, isLeaders: boolean): Promise<void> {
    const before = this.state;
    if (index <= (before.snapshot?.meta.index ?? 0)) return;
    const own = termOf(before, index);
    const term = isLeaders ? before.hardState.term : own;
    if (term === undefined || term < (termOf(before, index - 1) ?? 0)) return;
    const meta = { id: `s-${index}-${term}`, index, term, configuration: configurationOf(VOTERS) };
    await this.#arrive(this.log.createSnapshot(isLeaders ? meta : undefined), meta);
  }

  /** Goes on with the snapshot that was arriving when the last start came, if it is still of use. */
  async #resume(): Promise<boolean> {
    const meta = this.log.stagedSnapshot;
    if (!meta || meta.index <= (this.state.snapshot?.meta.index ?? 0)) return false;
    const isKnown = termOf(this.state, meta.index) === meta.term;
    if (!isKnown && this.state.hardState.commit >= meta.index) return false;
    const writer = this.log.resumeSnapshot();
    if (!writer) return false;
    this.#note("snapshot resumed");
    await this.#arrive(writer, meta);
    return true;
  }

  async #arrive(writer: SnapshotWriter, meta: SnapshotMeta): Promise<void> {
    const { index, term } = meta;
    const bytes = new TextEncoder().encode(`${index}/${term};`.repeat(1 + (index % 40)));
    while (writer.sizeBytes < bytes.length) {
      const { sizeBytes } = writer;
      await this.disk.until(writer.write(bytes.subarray(sizeBytes, sizeBytes + 50)));
      // The transfer breaks off.
      if (this.random.next() < 0.1) return;
    }
    const state = this.state;
    const hardState = { ...state.hardState, commit: Math.max(state.hardState.commit, index) };
    const keeps = termOf(state, index) === term;
    if (hardState.commit > state.hardState.commit && keeps) {
      this.states.push({ ...state, hardState });
    }
    // The snapshot and what it does to the log are one step.
    const rest = keeps ? {} : { entries: [], base: index };
    this.states.push({ ...state, hardState, ...rest, snapshot: { meta, bytes } });
    this.#note(keeps ? "snapshot kept the log" : "snapshot began a log");
    this.#expect(this.log.installSnapshot(writer, meta, hardState));
  }

  #compact(): void {
    const { snapshot } = this.log;
    if (!snapshot || snapshot.index !== this.state.snapshot?.meta.index) return;
    const index = snapshot.index - Math.floor(this.random.next() * 3);
    if (index >= this.log.firstIndex) this.#expect(this.log.compact(index));
  }

  async #steps(): Promise<void> {
    for (let i = Math.floor(this.random.next() * 6); i >= 0; i--) await this.disk.step();
  }

  /** The disk takes nothing for a while; then there is room, and the log is read again. */
  async #fillDisk(): Promise<void> {
    this.disk.isFull = true;
    this.#append();
    await this.disk.until(this.log.append({}).catch(() => {}));
    const { failure } = this.log;
    if (failure) {
      assert.ok(isFoundationError(failure, "ERR_LOG_READ_ONLY"));
      await assert.rejects(this.log.append({ hardState: this.log.hardState }), failure);
    }
    this.disk.isFull = false;
    while (!this.disk.isIdle) await this.disk.step();
    if (!this.log.failure) return;
    this.#note("read-only");
    await this.disk.until(this.log.retry());
    await this.#settleOn(this.log);
  }

  #entry(index: number, term: number): Entry {
    const kind = (index * 7 + term) % 11;
    if (kind === 0) return { type: "empty", index, term };
    if (kind === 1) {
      return { type: "configuration", index, term, configuration: configurationOf(VOTERS) };
    }
    const text = `${index}.${term}.`.repeat(1 + ((index * 13 + term * 5) % 9));
    return { type: "command", index, term, data: new TextEncoder().encode(text) };
  }

  #expect(written: Promise<void>): void {
    const state = this.state;
    const life = this.#life;
    const onDone = () => {
      if (life !== this.#life) return;
      this.#acknowledged = Math.max(this.#acknowledged, this.states.indexOf(state));
    };
    // What failed is looked at where the log is read again.
    written.then(onDone, () => {});
  }

  #note(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1);
  }
}

export function openOn(disk: CrashingDisk): Promise<DurableLog> {
  const options = { storage: disk.open(), folder: "raft/test", group: GROUP };
  return disk.until(openDurableLog({ ...options, limits: SMALL_LIMITS }));
}

/** Everything that a log says. */
export async function readState(log: DurableLog): Promise<ModelState> {
  const entries: Entry[] = [];
  const base = log.firstIndex - 1;
  while (base + entries.length < log.lastIndex) {
    const found = await log.read(base + 1 + entries.length, log.lastIndex, 300);
    assert.ok(found.length > 0, "a read within the log gives nothing");
    entries.push(...found);
  }
  entries.forEach(({ term }, i) => assert.equal(log.termAt(base + 1 + i), term));
  const reader = log.openSnapshot();
  if (!reader) return { entries, base, hardState: log.hardState, snapshot: undefined };
  const bytes = new Uint8Array(reader.sizeBytes);
  for (let at = 0; at < bytes.length; ) {
    const chunk = await reader.read(at, 40);
    assert.ok(chunk.length > 0, "a read within a snapshot gives nothing");
    bytes.set(chunk, at);
    at += chunk.length;
  }
  const { meta } = reader;
  await reader.close();
  return { entries, base, hardState: log.hardState, snapshot: { meta, bytes } };
}

/** Equal, but for entries that a snapshot has and that one of the two has let go. */
export function isSame(found: ModelState, state: ModelState): boolean {
  if (lastOf(found) !== lastOf(state)) return false;
  const [one, other] = [found.hardState, state.hardState];
  if (one.term !== other.term || one.vote !== other.vote || one.commit !== other.commit) {
    return false;
  }
  // Without a snapshot, all entries from the first on say the same.
  if (!found.snapshot && found.base === 0 && state.base === 0) return areEqual(found, state, 0);
  if (text(found.snapshot) !== text(state.snapshot)) return false;
  if (found.base > (state.snapshot?.meta.index ?? 0)) return false;
  return areEqual(found, state, Math.max(found.base, state.base));
}

function areEqual(found: ModelState, state: ModelState, base: number): boolean {
  return (
    text(found.entries.slice(base - found.base)) === text(state.entries.slice(base - state.base))
  );
}

function lastOf({ base, entries }: ModelState): number {
  return base + entries.length;
}

function termOf({ base, entries, snapshot }: ModelState, index: number): number | undefined {
  if (index === 0) return 0;
  if (index === snapshot?.meta.index) return snapshot.meta.term;
  return entries[index - base - 1]?.term;
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) =>
    part instanceof Uint8Array ? Buffer.from(part).toString("latin1") : part,
  );
}

function describe(found: ModelState, possible: readonly ModelState[]): string {
  return `found ${text(found)}\nexpected one of\n${possible.map(text).join("\n")}`;
}
