import { expect, test } from "@jest/globals";
import { change, command, commands, filled, metaAt, openAt, snapshotAt, textOf } from "./rig.js";

const SMALL = { snapshotPartBytes: 8 };

test("a snapshot is there after a start, its bytes readable from any offset", async () => {
  const { storage, log } = await filled(5, SMALL);
  await log.append({ hardState: { term: 1, vote: undefined, commit: 4 } });
  await snapshotAt(log, metaAt(4), "a state of more than three parts");
  await log.close();
  const again = await openAt(storage, { limits: SMALL });
  expect(again.snapshot).toEqual(metaAt(4));
  expect(await textOf(again)).toBe("a state of more than three parts");
  const reader = again.openSnapshot();
  expect(Buffer.from((await reader?.read(14, 100)) ?? []).toString()).toBe("e ");
  expect((await reader?.read(32, 100))?.length).toBe(0);
  await reader?.close();
  expect([again.firstIndex, again.lastIndex]).toEqual([1, 5]);
});

test("until it is installed a snapshot counts for nothing, and a start removes what is left of it", async () => {
  const { storage, log } = await filled(5, SMALL);
  const writer = log.createSnapshot();
  await writer.write(new TextEncoder().encode("most of a snapshot"));
  expect([writer.sizeBytes, log.snapshot]).toEqual([18, undefined]);
  expect(await storage.list("raft/snapshot-")).toHaveLength(2);
  await log.close();
  const again = await openAt(storage, { limits: SMALL });
  expect(again.snapshot).toBeUndefined();
  expect(await storage.list("raft/snapshot-")).toEqual([]);
});

test("a snapshot that is given up leaves nothing", async () => {
  const { storage, log } = await filled(1, SMALL);
  const writer = log.createSnapshot();
  await writer.write(new TextEncoder().encode("most of a snapshot"));
  await writer.discard();
  expect(await storage.list("raft/snapshot")).toEqual([]);
});

test("a snapshot beyond the log's end takes the log's place, and entries follow it at once", async () => {
  const { storage, log } = await filled(5, SMALL);
  const writer = log.createSnapshot();
  await writer.write(new TextEncoder().encode("later"));
  const installed = log.installSnapshot(writer, metaAt(9, 2), {
    term: 2,
    vote: undefined,
    commit: 9,
  });
  const appended = log.append({ entries: commands(10, 11, 2) });
  expect([log.firstIndex, log.lastIndex, log.termAt(9)]).toEqual([10, 11, 2]);
  await Promise.all([installed, appended]);
  expect(log.durableIndex).toBe(11);
  expect(await storage.list("raft/log-")).toHaveLength(1);
  await log.close();
  const again = await openAt(storage, { limits: SMALL });
  expect([again.firstIndex, again.lastIndex, again.hardState.term]).toEqual([10, 11, 2]);
  expect(await textOf(again)).toBe("later");
});

test("a snapshot that contradicts entries which are not committed voids them all", async () => {
  const { log } = await filled(5);
  await log.append({ hardState: { term: 3, vote: undefined, commit: 2 } });
  await snapshotAt(log, metaAt(4, 2), "other");
  expect([log.firstIndex, log.lastIndex]).toEqual([5, 4]);
  await log.append({ entries: [command(5, 3)] });
  expect((await log.read(5))[0]).toMatchObject({ index: 5, term: 3 });
});

test("a snapshot that is replaced stays for those who read it, and goes with the last of them", async () => {
  const { storage, log } = await filled(9, SMALL);
  await log.append({ hardState: { term: 1, vote: undefined, commit: 9 } });
  await snapshotAt(log, metaAt(3), "the first snapshot");
  const reader = log.openSnapshot();
  await snapshotAt(log, metaAt(6), "second");
  expect(Buffer.from((await reader?.read(10, 100)) ?? []).toString()).toBe("snapsh");
  expect(await storage.list("raft/snapshot-")).toHaveLength(4);
  await reader?.close();
  await reader?.close();
  expect(await storage.list("raft/snapshot-")).toHaveLength(1);
  await expect(reader?.read(0, 1)).rejects.toMatchObject({ code: "ERR_CLOSED" });
  expect(await textOf(log)).toBe("second");
});

test("a damaged part is refused when it is read, a missing one at the start", async () => {
  const { storage, log } = await filled(5, SMALL);
  await log.append({ hardState: { term: 1, vote: undefined, commit: 4 } });
  await snapshotAt(log, metaAt(4), "a state of three parts");
  await log.close();
  const [, second = ""] = await storage.list("raft/snapshot-");
  await change(storage, second, (bytes) => bytes.fill(0, 3, 4));
  const again = await openAt(storage, { limits: SMALL });
  await expect(textOf(again)).rejects.toMatchObject({
    code: "ERR_LOG_DAMAGED",
    details: { file: second },
  });
  await storage.remove(second);
  await expect(openAt(storage)).rejects.toMatchObject({ details: { file: second } });
});

test("a disk that is full while a snapshot is written fails the snapshot, not the log", async () => {
  const { storage, log } = await filled(2, SMALL);
  const writer = log.createSnapshot();
  storage.failOn("replace", "ENOSPC: no space left on device, write");
  const text = new TextEncoder().encode("more than one part");
  await expect(writer.write(text)).rejects.toMatchObject({ code: "ERR_STORAGE" });
  storage.failOn("replace", undefined);
  await writer.discard();
  await log.append({ entries: [command(3)] });
  expect([log.failure, log.lastIndex]).toEqual([undefined, 3]);
});

test("a snapshot that was begun before the log was read again is refused", async () => {
  const { storage, log } = await filled(3, SMALL);
  await log.append({ hardState: { term: 1, vote: undefined, commit: 3 } });
  await snapshotAt(log, metaAt(2), "a snapshot");
  const writer = log.createSnapshot();
  const reader = log.openSnapshot();
  storage.failOn("append", "ENOSPC: no space left on device, write");
  await expect(log.append({ entries: [command(4)] })).rejects.toThrow("ENOSPC");
  storage.failOn("append", undefined);
  await log.retry();
  await expect(writer.write(new Uint8Array(20))).rejects.toMatchObject({ code: "ERR_CLOSED" });
  await expect(log.installSnapshot(writer, metaAt(3))).rejects.toMatchObject({
    code: "ERR_CLOSED",
  });
  await expect(reader?.read(0, 1)).rejects.toMatchObject({ code: "ERR_CLOSED" });
  await reader?.close();
  expect(await textOf(log)).toBe("a snapshot");
});

test("a snapshot that was arriving goes on after a start, from its last whole part", async () => {
  const { storage, log } = await filled(2, SMALL);
  await log.append({ hardState: { term: 2, vote: undefined, commit: 2 } });
  const bytes = new TextEncoder().encode("a state of several parts");
  await log.createSnapshot(metaAt(9, 2)).write(bytes.subarray(0, 19));
  await log.close();
  const again = await openAt(storage, { limits: SMALL });
  expect(again.stagedSnapshot).toEqual(metaAt(9, 2));
  const writer = again.resumeSnapshot();
  if (!writer) throw new Error("nothing to resume");
  expect(writer.sizeBytes).toBe(16);
  await writer.write(bytes.subarray(16));
  await again.installSnapshot(writer, metaAt(9, 2));
  expect(again.stagedSnapshot).toBeUndefined();
  expect(await textOf(again)).toBe("a state of several parts");
  await again.close();
  const last = await openAt(storage, { limits: SMALL });
  expect([last.stagedSnapshot, await textOf(last)]).toEqual([
    undefined,
    "a state of several parts",
  ]);
  expect(await storage.list("raft/staging")).toEqual([]);
});

test("of a snapshot that was arriving only what is whole is gone on with", async () => {
  const { storage, log } = await filled(2, SMALL);
  await log.createSnapshot(metaAt(9)).write(new Uint8Array(30));
  await log.close();
  const [, second = ""] = await storage.list("raft/snapshot-");
  await change(storage, second, (bytes) => bytes.fill(1, 3, 4));
  const again = await openAt(storage, { limits: SMALL });
  expect(again.resumeSnapshot()?.sizeBytes).toBe(8);
  await change(storage, "raft/staging", (bytes) => bytes.fill(1, 30, 40));
  const last = await openAt(storage, { limits: SMALL });
  expect([last.stagedSnapshot, last.resumeSnapshot(), last.lastIndex]).toEqual([
    undefined,
    undefined,
    2,
  ]);
  expect(await storage.list("raft/snapshot-")).toEqual([]);
});

test("a snapshot that arrives in the place of another one's beginning removes that", async () => {
  const { storage, log } = await filled(2, SMALL);
  const first = log.createSnapshot(metaAt(9));
  await first.write(new Uint8Array(30));
  const writer = log.createSnapshot(metaAt(12));
  await writer.write(new Uint8Array(8));
  expect(await storage.list("raft/snapshot-")).toHaveLength(1);
  await expect(log.installSnapshot(first, metaAt(9))).rejects.toMatchObject({ code: "ERR_CLOSED" });
  await writer.discard();
  expect(await storage.list("raft/snapshot-")).toEqual([]);
  expect(await storage.list("raft/staging")).toEqual([]);
});

test("a snapshot that is being installed is not removed by the next one that arrives", async () => {
  const { storage, log } = await filled(2, SMALL);
  const first = log.createSnapshot(metaAt(9));
  await first.write(new TextEncoder().encode("the first snapshot"));
  const installed = log.installSnapshot(first, metaAt(9));
  const second = log.createSnapshot(metaAt(12));
  await Promise.all([installed, second.write(new Uint8Array(8))]);
  expect(await textOf(log)).toBe("the first snapshot");
  await log.close();
  const again = await openAt(storage, { limits: SMALL });
  expect([await textOf(again), again.stagedSnapshot?.index]).toEqual(["the first snapshot", 12]);
});

test("a snapshot that was given up and ends a part late does not take the next one's place", async () => {
  const { storage: disk, log } = await filled(5, SMALL);
  await log.close();
  let release = (): void => undefined;
  const late = new Promise<void>((resolve) => (release = resolve));
  let isFirst = true;
  const replace = async (file: string, content: Uint8Array): Promise<void> => {
    const waits = isFirst && file.includes("snapshot-");
    if (waits) isFirst = false;
    if (waits) await late;
    await disk.replace(file, content);
  };
  const storage = new Proxy(disk, {
    get: (target, name) => {
      if (name === "replace") return replace;
      const member: unknown = Reflect.get(target, name, target);
      return typeof member === "function" ? (member.bind(target) as unknown) : member;
    },
  });
  const slow = await openAt(storage, { limits: SMALL });
  const bytes = (text: string) => new TextEncoder().encode(text);
  const givenUp = slow.createSnapshot(metaAt(9)).write(bytes("too late"));
  const next = slow.createSnapshot(metaAt(12));
  await next.write(bytes("what is "));
  release();
  await givenUp;
  expect(slow.stagedSnapshot).toEqual(metaAt(12));
  await next.write(bytes("wanted, as a whole"));
  await slow.close();
  const again = await openAt(disk, { limits: SMALL });
  expect(again.stagedSnapshot).toEqual(metaAt(12));
  expect(again.resumeSnapshot()?.sizeBytes).toBe(24);
});
