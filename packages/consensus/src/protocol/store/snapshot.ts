/**
 * Snapshots of a store and its sessions: frames that follow each other, whatever pieces they are cut into on the way.
 *
 * A frame is its length in four bytes and an array of records. First comes a record that says what is in the whole, then
 * leases, pairs in the order of their keys, the changes of past revisions, sessions with the answers they keep, and an
 * end. Equal states give equal bytes. Nothing is encoded before it is asked for, so a snapshot of any size costs the
 * memory of one frame; the state it is of is held by copies that share what has not changed since.
 */
import { createCodec } from "@foundation/core";
import type { Change, KeyValue, Revision } from "../../engine/engine.js";
import type { SessionTableState } from "../sessions/session-table.js";
import { History, type HistoryBatch } from "./history.js";
import { orderOf } from "./key-order.js";
import { LeaseTable } from "./lease-table.js";
import { SNAPSHOT_FRAME_BYTES_AIM, SNAPSHOT_FRAME_BYTES_MAX, type StoreLimits } from "./limits.js";
import { answerData, answerOf, changeData, changeOf, pairData, pairOf } from "./record.js";
import type { StoreAnswer } from "./request.js";
import { count, limitsData, limitsOf, list, number } from "./request-codec.js";
import { SortedMap } from "./sorted-map.js";
import { type FrozenStore, Store } from "./store.js";
import { valueBytesOf } from "./stored-pair.js";

export const SNAPSHOT_VERSION = 1;

const codec = createCodec({ valuesMax: SNAPSHOT_FRAME_BYTES_MAX });

const HEAD = 0;
const LEASE = 1;
const PAIR = 2;
const BATCH = 3;
const CHANGE = 4;
const SESSION = 5;
const RESPONSE = 6;
const END = 7;

/** What a record is counted with beside its keys and values. */
const RECORD_BYTES = 48;

type Sessions = SessionTableState<StoreAnswer>;
/** A record, and about how large it is. */
type Weighed = readonly [record: readonly unknown[], bytes: number];

/** The frames of a snapshot, made one by one. */
export function* snapshotFrames(store: FrozenStore, sessions: Sessions): Generator<Uint8Array> {
  let records: (readonly unknown[])[] = [];
  let bytes = 0;
  for (const [record, size] of recordsOf(store, sessions)) {
    records.push(record);
    bytes += size;
    if (bytes < SNAPSHOT_FRAME_BYTES_AIM) continue;
    yield frameOf(records);
    records = [];
    bytes = 0;
  }
  yield frameOf(records);
}

function* recordsOf(store: FrozenStore, sessions: Sessions): Generator<Weighed> {
  const { limits, timeMs, revision, compacted, granted, pairs, batches } = store;
  const head = [HEAD, SNAPSHOT_VERSION, limitsData(limits), timeMs, revision, compacted, granted];
  yield [[...head, sessions.timeMs], RECORD_BYTES];
  for (const { number: id, ttlMs, expiresMs } of store.leases) {
    yield [[LEASE, id, ttlMs, expiresMs], RECORD_BYTES];
  }
  for (const [, pair] of pairs.entries()) {
    yield [[PAIR, pairData(pair)], RECORD_BYTES + pair.key.length + valueBytesOf(pair)];
  }
  const current = (key: string) => pairs.get(orderOf(key));
  const source = { current, first: batches[0]?.revision ?? revision + 1 };
  for (const batch of batches) {
    yield [[BATCH, batch.revision, batch.timeMs, batch.changes.length], RECORD_BYTES];
    for (const change of batch.changes) {
      yield [[CHANGE, changeData(change, source)], RECORD_BYTES + changeBytes(change)];
    }
  }
  for (const { id, activeMs, answeredBelow, responses } of sessions.sessions) {
    yield [[SESSION, id, activeMs, answeredBelow, responses.length], RECORD_BYTES];
    for (const [sequence, answer] of responses) {
      yield [[RESPONSE, sequence, answerData(answer)], RECORD_BYTES + answerBytes(answer)];
    }
  }
  yield [[END, pairs.size], RECORD_BYTES];
}

/** What a snapshot is read into, frame by frame. */
export class SnapshotReading {
  readonly #pairs = new SortedMap<KeyValue>();
  readonly #batches: HistoryBatch[] = [];
  readonly #earlier = new Map<string, KeyValue>();
  readonly #sessions: Mutable<Sessions["sessions"][number]>[] = [];
  #rest: Uint8Array = new Uint8Array(0);
  #head: Head | undefined;
  #leases = new LeaseTable();
  /** Changes of the last batch, and answers of the last session, that are still to come. */
  #changes: Change[] = [];
  #awaited = 0;
  #isEnded = false;

  /** @throws when it is no snapshot of a version that is known */
  add(piece: Uint8Array): void {
    let bytes = piece;
    if (this.#rest.length > 0) {
      bytes = new Uint8Array(this.#rest.length + piece.length);
      bytes.set(this.#rest);
      bytes.set(piece, this.#rest.length);
    }
    let at = 0;
    while (bytes.length - at >= 4) {
      const length = new DataView(bytes.buffer, bytes.byteOffset + at).getUint32(0);
      if (length > SNAPSHOT_FRAME_BYTES_MAX) throw malformed(`a frame of ${length} bytes`);
      if (bytes.length - at - 4 < length) break;
      const records = list(codec.decode(bytes, at + 4, at + 4 + length));
      for (const record of records) this.#read(list(record));
      at += 4 + length;
    }
    // A copy: what was given may be written to again.
    this.#rest = bytes.slice(at);
  }

  /** @throws when it is not all there */
  end(): { readonly store: Store; readonly sessions: Sessions } {
    const head = this.#head;
    if (!head || !this.#isEnded || this.#rest.length > 0) throw malformed("an end too early");
    const { limits, timeMs, revision, compacted, sessionsMs } = head;
    const history = new History(compacted, this.#batches);
    const leases = this.#leases;
    const store = new Store({ limits, timeMs, revision, pairs: this.#pairs, history, leases });
    return { store, sessions: { timeMs: sessionsMs, sessions: this.#sessions } };
  }

  #read(record: readonly unknown[]): void {
    const [kind, first, second, third, fourth] = record;
    if (this.#isEnded || (kind === HEAD) !== (this.#head === undefined)) {
      throw malformed("records out of their order");
    }
    switch (kind) {
      case HEAD:
        this.#head = headOf(record);
        this.#leases = new LeaseTable(this.#head.granted);
        return;
      case LEASE:
        this.#leases.restore(count(first), number(second), number(third));
        return;
      case PAIR: {
        const pair = pairOf(first);
        this.#pairs.set(orderOf(pair.key), pair);
        return;
      }
      case BATCH:
        this.#expectNothing();
        this.#changes = [];
        this.#awaited = count(third);
        this.#batches.push({
          revision: count(first),
          timeMs: number(second),
          changes: this.#changes,
        });
        return;
      case CHANGE:
        this.#readChange(first);
        return;
      case SESSION: {
        this.#expectNothing();
        const [id, activeMs, answeredBelow] = [count(first), number(second), count(third)];
        this.#awaited = count(fourth);
        this.#sessions.push({ id, activeMs, answeredBelow, responses: [] });
        return;
      }
      case RESPONSE:
        this.#readResponse(count(first), answerOf(second));
        return;
      case END:
        this.#expectNothing();
        if (count(first) !== this.#pairs.size) throw malformed("fewer keys than it says");
        this.#isEnded = true;
        return;
      default:
        throw malformed(`a record of kind ${String(kind)}`);
    }
  }

  #readChange(data: unknown): void {
    const batch = this.#batches.at(-1);
    if (!batch || this.#awaited === 0) throw malformed("a change of no revision");
    const current = (key: string) => this.#pairs.get(orderOf(key));
    this.#changes.push(changeOf(data, batch.revision, { current }, this.#earlier));
    this.#awaited -= 1;
  }

  #readResponse(sequence: number, answer: StoreAnswer): void {
    const session = this.#sessions.at(-1);
    if (!session || this.#awaited === 0) throw malformed("an answer of no session");
    session.responses = [...session.responses, [sequence, answer]];
    this.#awaited -= 1;
  }

  #expectNothing(): void {
    if (this.#awaited !== 0) throw malformed("fewer records than it says");
  }
}

interface Head {
  readonly limits: StoreLimits;
  readonly timeMs: number;
  readonly revision: Revision;
  readonly compacted: Revision;
  readonly granted: number;
  readonly sessionsMs: number;
}

type Mutable<T> = { -readonly [Key in keyof T]: T[Key] };

function headOf(record: readonly unknown[]): Head {
  const [, version, limits, timeMs, revision, compacted, granted, sessionsMs] = record;
  if (version !== SNAPSHOT_VERSION) throw malformed(`version ${String(version)}`);
  return {
    limits: limitsOf(limits),
    timeMs: number(timeMs),
    revision: count(revision),
    compacted: count(compacted),
    granted: count(granted),
    sessionsMs: number(sessionsMs),
  };
}

function frameOf(records: readonly (readonly unknown[])[]): Uint8Array {
  const body = codec.encode(records);
  const frame = new Uint8Array(4 + body.length);
  new DataView(frame.buffer).setUint32(0, body.length);
  frame.set(body, 4);
  return frame;
}

function changeBytes(change: Change): number {
  const previous = change.previous ? valueBytesOf(change.previous) : 0;
  if (change.type === "delete") return change.key.length + previous;
  return change.pair.key.length + valueBytesOf(change.pair) + previous;
}

function answerBytes(answer: StoreAnswer): number {
  if (answer.type !== "txn") return 0;
  let bytes = 0;
  for (const result of answer.result.results) {
    const pairs = result.type === "range" ? result.pairs : result.previous;
    for (const pair of Array.isArray(pairs) ? pairs : pairs ? [pairs as KeyValue] : []) {
      bytes += RECORD_BYTES + pair.key.length + valueBytesOf(pair);
    }
  }
  return bytes;
}

function malformed(problem: string): Error {
  return new Error(`consensus: a snapshot of a store has ${problem}`);
}
