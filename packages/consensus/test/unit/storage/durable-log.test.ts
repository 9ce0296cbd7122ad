import { describe, expect, test } from "@jest/globals";
import type { Storage } from "@foundation/core/ports";
import { memoryStorage } from "@foundation/core/testing";
import { configurationOf } from "../../../src/protocol/raft/configuration.js";
import type { Entry } from "../../../src/protocol/raft/entry.js";
import { openDurableLog } from "../../../src/storage/durable-log.js";
import {
  ALICE,
  BOB,
  command,
  commands,
  filled,
  metaAt,
  openAt,
  SEGMENT_1,
  snapshotAt,
} from "./rig.js";

const plain = (entries: readonly Entry[]) =>
  entries.map((entry) =>
    entry.type === "command" ? { ...entry, data: Buffer.from(entry.data).toString() } : entry,
  );

describe("what was appended", () => {
  test("is there after a start: entries of every type, the hard state, nothing else", async () => {
    const storage = memoryStorage();
    const log = await openAt(storage);
    expect(log.recovery.isNew).toBe(true);
    const configuration = configurationOf([ALICE, BOB]);
    const entries: Entry[] = [
      { type: "configuration", index: 1, term: 1, configuration },
      { type: "empty", index: 2, term: 1 },
      command(3, 2, ""),
      command(4, 2, "ünï\0"),
    ];
    await log.append({ hardState: { term: 2, vote: ALICE, commit: 1 }, entries });
    await log.close();
    const again = await openAt(storage);
    expect(again.recovery).toMatchObject({ isNew: false, entries: 4, segments: 1, cut: undefined });
    expect(again.hardState).toEqual({ term: 2, vote: ALICE, commit: 1 });
    expect(plain(await again.read(1))).toEqual(plain(entries));
    expect([1, 2, 3, 4, 5].map((i) => again.termAt(i))).toEqual([1, 1, 2, 2, undefined]);
    expect([again.firstIndex, again.lastIndex, again.durableIndex]).toEqual([1, 4, 4]);
  });

  test("takes the place of what stood at its index and behind it, also across segments", async () => {
    const { storage, log } = await filled(40, { segmentBytesAim: 512, windowBytesAim: 0 });
    await log.append({
      hardState: { term: 3, vote: undefined, commit: 4 },
      entries: commands(5, 7, 3),
    });
    expect(log.lastIndex).toBe(7);
    const expected = plain([...commands(1, 4), ...commands(5, 7, 3)]);
    expect(plain(await log.read(1))).toEqual(expected);
    const again = await openAt(storage, { limits: { windowBytesAim: 0 } });
    expect(plain(await again.read(1))).toEqual(expected);
    expect(again.lastIndex).toBe(7);
  });

  test("is seen at once, and durable when the promise resolves, not before", async () => {
    const { log } = await filled(3);
    const written = log.append({ entries: commands(4, 5) });
    expect([log.lastIndex, log.durableIndex]).toEqual([5, 3]);
    expect(plain(await log.read(4))).toEqual(plain(commands(4, 5)));
    await written;
    expect(log.durableIndex).toBe(5);
  });

  test("is not called durable when it replaces an entry that is", async () => {
    const { log } = await filled(5);
    const written = log.append({
      hardState: { term: 2, vote: undefined, commit: 0 },
      entries: [command(3, 2)],
    });
    expect([log.lastIndex, log.durableIndex]).toEqual([3, 2]);
    await written;
    expect(log.durableIndex).toBe(3);
  });

  test("is not written again when it is a hard state that was written last", async () => {
    const { storage, log } = await filled(1);
    const sizeOf = async () => (await storage.read(SEGMENT_1))?.length;
    const before = await sizeOf();
    await log.append({ hardState: { term: 1, vote: undefined, commit: 0 } });
    expect(await sizeOf()).toBe(before);
    await log.append({ hardState: { term: 1, vote: ALICE, commit: 1 } });
    expect(await sizeOf()).toBeGreaterThan(before as number);
    // A lower commit index is old news.
    await log.append({ hardState: { term: 2, vote: undefined, commit: 0 } });
    expect((await openAt(storage)).hardState).toEqual({ term: 2, vote: undefined, commit: 1 });
  });

  test("must be a log: gaps, falling terms, changed votes and replaced commits are bugs", async () => {
    const { log } = await filled(5);
    await log.append({ hardState: { term: 4, vote: ALICE, commit: 3 }, entries: [command(6, 4)] });
    const bad = [
      { entries: [command(8, 4)] },
      { entries: [command(7, 3)] },
      { entries: [command(7, 5)] },
      { entries: [command(3, 4)] },
      { entries: [command(7, 4), command(9, 4)] },
      { hardState: { term: 3, vote: undefined, commit: 3 } },
      { hardState: { term: 4, vote: BOB, commit: 3 } },
      { hardState: { term: 4, vote: ALICE, commit: 7 } },
    ];
    for (const write of bad) expect(() => log.append(write)).toThrow("a write breaks the log");
    expect([log.lastIndex, log.hardState.vote, log.failure]).toEqual([6, ALICE, undefined]);
  });
});

describe("group commit", () => {
  test("shares one sync among all that wait for the disk", async () => {
    const { storage, count } = countingStorage();
    const log = await openDurableLog({ storage, folder: "raft", group: "g" });
    await log.append({ hardState: { term: 1, vote: undefined, commit: 0 } });
    const before = count.syncs;
    const first = log.append({ entries: [command(1)] });
    const others = commands(2, 65).map((entry) => log.append({ entries: [entry] }));
    await Promise.all([first, ...others]);
    expect(count.syncs - before).toBeLessThanOrEqual(2);
    expect(log.durableIndex).toBe(65);
  });

  test("refuses what would wait in too large a queue, and takes nothing of it", async () => {
    const { log } = await filled(0, { pendingBytesMax: 200 });
    const written = log.append({ entries: [command(1, 1, "x".repeat(100))] });
    const large = { entries: [command(2, 1, "x".repeat(100))] };
    await expect(log.append(large)).rejects.toMatchObject({ code: "ERR_QUEUE_FULL" });
    expect(log.lastIndex).toBe(1);
    await written;
    await log.append(large);
    expect(log.lastIndex).toBe(2);
  });
});

describe("memory", () => {
  test("holds a window of entries; older ones are read again from their segments", async () => {
    const limits = { segmentBytesAim: 1_024, windowBytesAim: 400 };
    const { log } = await filled(200, limits);
    expect(log.windowBytes).toBeLessThanOrEqual(400);
    expect(log.recovery.isNew).toBe(true);
    const all: Entry[] = [];
    while (all.length < 200) all.push(...(await log.read(all.length + 1, 200, 500)));
    expect(plain(all)).toEqual(plain(commands(1, 200)));
    expect(plain(await log.read(17, 18))).toEqual(plain(commands(17, 18)));
  });

  test("an entry that is read back keeps a few neighbours in memory, never its segment", async () => {
    const { storage, log } = await filled(2_000, { windowBytesAim: 0 });
    await log.close();
    const again = await openAt(storage);
    const segmentBytes = again.recovery.sizeBytes;
    expect(again.recovery.segments).toBe(1);
    for (const index of [1, 700, 701, 2_000, 3]) {
      const [entry] = await again.read(index, index);
      if (entry?.type !== "command") throw new Error("no command");
      expect(plain([entry])).toEqual(plain(commands(index, index)));
      expect(entry.data.buffer.byteLength).toBeLessThanOrEqual(16_384);
      expect(segmentBytes).toBeGreaterThan(4 * entry.data.buffer.byteLength);
    }
  });
});

describe("compaction", () => {
  test("removes segments that a snapshot covers, and no other", async () => {
    const { storage, log } = await filled(60, { segmentBytesAim: 512 });
    await log.append({ hardState: { term: 1, vote: undefined, commit: 50 } });
    const before = (await storage.list("raft/log-")).length;
    await snapshotAt(log, metaAt(50), "state");
    await log.compact(40);
    expect((await storage.list("raft/log-")).length).toBeLessThan(before);
    expect(log.firstIndex).toBe(41);
    expect(log.termAt(40)).toBe(1);
    expect(plain(await log.read(41))).toEqual(plain(commands(41, 60)));
    await expect(log.read(40)).rejects.toMatchObject({ code: "ERR_LOG_COMPACTED" });
    await log.close();
    const again = await openAt(storage);
    expect(again.firstIndex).toBeLessThanOrEqual(41);
    expect(again.firstIndex).toBeGreaterThan(1);
    expect(plain(await again.read(41))).toEqual(plain(commands(41, 60)));
  });

  test("may not reach beyond the snapshot", async () => {
    const { log } = await filled(5);
    expect(() => log.compact(1)).toThrow("beyond the snapshot");
  });

  test("keeps files, disk and memory bounded however long the log lives", async () => {
    const { storage, log } = await filled(0, { segmentBytesAim: 2_048, windowBytesAim: 1_000 });
    let files = 0;
    for (let round = 1; round <= 40; round++) {
      await log.append({ entries: commands(round * 50 - 49, round * 50) });
      await log.append({ hardState: { term: 1, vote: undefined, commit: round * 50 } });
      await snapshotAt(log, metaAt(round * 50), `state ${round}`);
      await log.compact(round * 50 - 10);
      files = Math.max(files, (await storage.list("raft/")).length);
      expect(log.windowBytes).toBeLessThanOrEqual(1_000);
    }
    expect(files).toBeLessThanOrEqual(8);
  });
});

describe("a disk that is full", () => {
  test("makes the log read-only with an error that says so, until it is asked to try again", async () => {
    const { storage, log } = await filled(3);
    storage.failOn("append", "ENOSPC: no space left on device, write");
    const failed = log.append({ entries: [command(4)] });
    const behind = log.append({ entries: [command(5)] });
    await expect(failed).rejects.toMatchObject({ code: "ERR_LOG_READ_ONLY" });
    await expect(behind).rejects.toThrow("ENOSPC: no space left on device");
    storage.failOn("append", undefined);
    // Room alone does not help: what is on the disk is not known.
    await expect(log.append({ entries: [command(6)] })).rejects.toThrow("takes no more writes");
    expect(plain(await log.read(1, 3))).toEqual(plain(commands(1, 3)));
    await log.retry();
    expect([log.failure, log.lastIndex]).toEqual([undefined, 3]);
    await log.append({ entries: [command(4, 1)] });
    expect((await openAt(storage)).lastIndex).toBe(4);
  });

  test("stays read-only while trying again fails", async () => {
    const { storage, log } = await filled(3);
    storage.failOn("sync", "EIO: i/o error, fdatasync");
    await expect(log.append({ entries: [command(4)] })).rejects.toThrow("EIO");
    await expect(log.retry()).rejects.toMatchObject({ code: "ERR_STORAGE" });
    await expect(log.append({ entries: [command(4)] })).rejects.toThrow("takes no more writes");
  });
});

test("a closed log takes nothing, and closing waits for what is being written", async () => {
  const { storage, log } = await filled(1);
  const written = log.append({ entries: [command(2)] });
  await log.close();
  await log.close();
  await written;
  await expect(log.append({ entries: [command(3)] })).rejects.toMatchObject({ code: "ERR_CLOSED" });
  expect((await openAt(storage)).lastIndex).toBe(2);
});

function countingStorage(): { readonly storage: Storage; readonly count: { syncs: number } } {
  const storage = memoryStorage();
  const count = { syncs: 0 };
  const sync = storage.sync.bind(storage);
  storage.sync = (file) => {
    count.syncs += 1;
    return sync(file);
  };
  return { storage, count };
}
