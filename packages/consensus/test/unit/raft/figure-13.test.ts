/** Snapshots: section 7 and Figure 13 of the Raft paper, and their way in chunks. */
import { describe, expect, test } from "@jest/globals";
import { configurationOf } from "../../../src/protocol/raft/configuration.js";
import type { SnapshotMeta } from "../../../src/protocol/raft/entry.js";
import { append, id, Lone, of, type Gathered } from "./lone.js";

const configuration = configurationOf([id(0), id(1), id(2)]);
const meta = (index: number, term: number, name = `s${index}`): SnapshotMeta => ({
  id: name,
  index,
  term,
  configuration,
});

function chunk(
  lone: Lone,
  snapshot: SnapshotMeta,
  offset: number,
  length: number,
  isLast = false,
  term = 4,
): Gathered {
  const data = new Uint8Array(length);
  return lone.receive(1, { type: "snapshot", snapshot, offset, data, isLast }, term);
}

describe("InstallSnapshot, receiver", () => {
  test("1. reply immediately if term < currentTerm", () => {
    const lone = new Lone({ term: 5 });
    const { messages, staged } = chunk(lone, meta(9, 3), 0, 4);
    expect(messages).toMatchObject([{ type: "append-refused", term: 5 }]);
    expect(staged).toEqual([]);
  });

  test("2. create new snapshot file if first chunk, 3. write data at given offset, 4. reply", () => {
    const lone = new Lone();
    const snapshot = meta(9, 3);
    expect(chunk(lone, snapshot, 0, 4)).toMatchObject({
      staged: [{ snapshot, offset: 0, isLast: false }],
      messages: [{ type: "snapshot-reply", id: "s9", offset: 4 }],
    });
    expect(chunk(lone, snapshot, 4, 3)).toMatchObject({
      staged: [{ offset: 4 }],
      messages: [{ offset: 7 }],
    });
  });

  test("4. a chunk that does not follow is not taken; the reply says what does", () => {
    const lone = new Lone();
    chunk(lone, meta(9, 3), 0, 4);
    for (const offset of [0, 3, 8]) {
      expect(chunk(lone, meta(9, 3), offset, 4)).toMatchObject({
        staged: [],
        messages: [{ type: "snapshot-reply", offset: 4 }],
      });
    }
  });

  test("5. another snapshot takes the place of the one that was arriving", () => {
    const lone = new Lone();
    chunk(lone, meta(9, 3), 0, 4);
    expect(chunk(lone, meta(12, 3), 0, 2).messages).toMatchObject([{ id: "s12", offset: 2 }]);
    expect(chunk(lone, meta(9, 3), 4, 2).messages).toMatchObject([{ id: "s9", offset: 0 }]);
  });

  test("6. if an existing entry has the snapshot's last index and term, retain the log", () => {
    const lone = new Lone({ terms: [1, 1, 1] });
    const out = chunk(lone, meta(3, 1), 0, 4);
    expect(out).toMatchObject({ staged: [], messages: [{ type: "appended", index: 3 }] });
    expect(out.committed.map(({ index }) => index)).toEqual([2, 3]);
    expect(lone.receive(1, append(4, 1), 4).messages).toMatchObject([{ type: "appended" }]);
  });

  test("7. discard the entire log, 8. reset state machine and configuration using the snapshot", () => {
    const lone = new Lone({ terms: [2, 2], configuration: configurationOf([id(0), id(7)]) });
    const { writes, messages, committed } = chunk(lone, meta(9, 3), 0, 4, true);
    expect(writes.at(-1)).toMatchObject({ install: { id: "s9", index: 9 } });
    expect(messages).toMatchObject([{ type: "appended", index: 9 }]);
    expect(committed).toEqual([]);
    expect(lone.status.configuration).toEqual(configuration);
    expect(lone.raft.commit).toBe(9);
    expect(lone.receive(1, append(9, 3, [4]), 4).messages).toMatchObject([{ index: 10 }]);
  });

  test("it is acknowledged when it is on disk", () => {
    const lone = new Lone();
    lone.isDiskHeld = true;
    expect(chunk(lone, meta(9, 3), 0, 4, true).messages).toEqual([]);
    expect(of(lone.sync(), "appended")).toMatchObject([{ index: 9 }]);
  });

  test("a snapshot of what is applied already changes nothing", () => {
    const lone = new Lone({ terms: [1, 1], commit: 3 });
    const { messages, staged } = chunk(lone, meta(2, 1), 0, 4, true);
    expect(staged).toEqual([]);
    expect(messages).toMatchObject([{ type: "appended", index: 3 }]);
  });

  test("after a restart the transfer goes on behind what is staged", () => {
    const lone = new Lone({ staged: { id: "s9", offset: 40 } });
    expect(chunk(lone, meta(9, 3), 0, 4).messages).toMatchObject([{ offset: 40 }]);
    expect(chunk(lone, meta(9, 3), 40, 2).staged).toMatchObject([{ offset: 40 }]);
  });
});

describe("a leader with a follower behind its log", () => {
  /** A leader whose log begins behind entry 4; follower 2 has nothing. */
  function compacted(): { lone: Lone; out: Gathered } {
    const lone = new Lone({ terms: [1, 1, 1] });
    lone.elect();
    lone.ack(1);
    const snapshot = { id: "own", ...lone.raft.positionAt(4) };
    lone.input({ type: "snapshot-taken", snapshot, keepAfter: 4 });
    const body = { type: "append-refused", index: 4, hintIndex: 0, hintTerm: 0 } as const;
    return { lone, out: lone.receive(2, body) };
  }

  const bytes = (offset: number, isLast = false) =>
    ({
      type: "snapshot-chunk",
      to: id(2),
      id: "own",
      offset,
      data: new Uint8Array(10),
      isLast,
    }) as const;

  test("sends a snapshot when the entries are gone, one chunk at a time", () => {
    const { lone, out } = compacted();
    expect(out.chunkRequests).toMatchObject([{ to: id(2), snapshot: { id: "own" }, offset: 0 }]);
    expect(lone.input(bytes(0)).messages).toMatchObject([{ type: "snapshot", offset: 0 }]);
    expect(lone.input(bytes(0)).messages).toEqual([]);
    const reply = { type: "snapshot-reply", id: "own", offset: 10 } as const;
    expect(lone.receive(2, reply).chunkRequests).toMatchObject([{ offset: 10 }]);
    expect(lone.input(bytes(10, true)).messages).toMatchObject([{ offset: 10, isLast: true }]);
    // When it is installed, entries follow.
    expect(of(lone.ack(2, 4), "append")).toMatchObject([{ prevIndex: 4, entries: [{ index: 5 }] }]);
  });

  test("goes on where the follower is, whoever sent what it has", () => {
    const { lone } = compacted();
    lone.input(bytes(0));
    const reply = { type: "snapshot-reply", id: "own", offset: 70 } as const;
    expect(lone.receive(2, reply).chunkRequests).toMatchObject([{ offset: 70 }]);
  });

  test("sends a lost chunk again when the follower is heard", () => {
    const { lone } = compacted();
    lone.input(bytes(0));
    const beat = { type: "heartbeat-reply", round: 1 } as const;
    expect(lone.receive(2, beat).chunkRequests).toEqual([]);
    lone.advance(400);
    lone.ack(1);
    lone.advance(100);
    expect(lone.receive(2, beat).chunkRequests).toMatchObject([{ offset: 0 }]);
  });

  test("begins with the present snapshot when the one under way is gone", () => {
    const { lone } = compacted();
    lone.ack(1);
    const snapshot = { id: "newer", ...lone.raft.positionAt(5) };
    lone.input({ type: "snapshot-taken", snapshot, keepAfter: 5 });
    const { chunkRequests } = lone.input({ type: "snapshot-unreadable", to: id(2), id: "own" });
    expect(chunkRequests).toMatchObject([{ snapshot: { id: "newer" }, offset: 0 }]);
  });

  test("sends it no entries meanwhile, and goes on for the others", () => {
    const { lone } = compacted();
    expect(of(lone.propose(), "append").map((each) => each.to)).toEqual([id(1)]);
    lone.ack(1);
    expect(lone.raft.commit).toBe(6);
  });
});

describe("own snapshots", () => {
  test("a snapshot is of what is applied and on disk, no more", () => {
    const lone = new Lone().lead();
    lone.isDiskHeld = true;
    lone.propose();
    lone.ack(1, 3);
    lone.ack(2, 3);
    // Committed and applied here, but this disk may still come back without it.
    expect(lone.raft.snapshotIndex).toBe(2);
    expect(() => lone.raft.positionAt(3)).toThrow(/applied and on disk/);
    lone.sync();
    expect(lone.raft.positionAt(3)).toMatchObject({ index: 3, term: 2 });
  });

  test("it has the configuration as of its index, not the latest", () => {
    const lone = new Lone().lead();
    lone.input({ type: "change", id: 5, changes: [{ type: "remove", id: id(2) }] });
    expect(lone.raft.positionAt(2).configuration).toEqual(configuration);
  });

  test("a member starts from a snapshot and the entries behind it", () => {
    const lone = new Lone({
      snapshot: meta(9, 3),
      entries: [{ type: "empty", index: 10, term: 4 }],
      commit: 10,
    });
    expect(lone.raft.commit).toBe(10);
    expect(lone.status.configuration).toEqual(configuration);
  });

  test("a log on disk with a gap, or of a later term than the member, is refused", () => {
    const entry = (index: number, term: number) => ({ type: "empty", index, term }) as const;
    expect(() => new Lone({ entries: [entry(1, 1), entry(3, 1)] })).toThrow(/gap/);
    expect(() => new Lone({ snapshot: meta(9, 3), entries: [entry(11, 3)] })).toThrow(/behind/);
    expect(() => new Lone({ entries: [entry(1, 4)], term: 3 })).toThrow(/later term/);
  });
});
