/** What a start makes of files that are not as a log leaves them. */
import { crc32 } from "node:zlib";
import { describe, expect, test } from "@jest/globals";
import type { MemoryStorage } from "@foundation/core/testing";
import type { DurableLog } from "../../../src/storage/durable-log.js";
import {
  ALICE,
  change,
  command,
  commands,
  filled,
  metaAt,
  openAt,
  recordsOf,
  SEGMENT_1,
  SEGMENT_2,
  snapshotAt,
} from "./rig.js";

const WITNESS = "raft/witness";

async function closed(log: DurableLog, storage: MemoryStorage): Promise<MemoryStorage> {
  await log.close();
  return storage;
}

/** As after a power cut: the witness says only what it said when the log was made. */
async function forgetfulWitness(last: number): Promise<MemoryStorage> {
  const { storage, log } = await filled(0);
  await log.close();
  const early = (await storage.read(WITNESS)) as Uint8Array;
  const again = await openAt(storage);
  for (let index = 1; index <= last; index++) await again.append({ entries: [command(index)] });
  await again.close();
  await storage.replace(WITNESS, early);
  return storage;
}

async function damageAt(storage: MemoryStorage): Promise<{ file: string; offset: number }> {
  const error: unknown = await openAt(storage).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  expect(error).toMatchObject({ code: "ERR_LOG_DAMAGED" });
  return (error as { details: { file: string; offset: number } }).details;
}

describe("the torn end of a crash", () => {
  test("is cut, wherever it was torn, and the report says what", async () => {
    const storage = await forgetfulWitness(4);
    const places = await recordsOf(storage, SEGMENT_1);
    const [from, to] = places.slice(-2) as [number, number];
    const whole = (await storage.read(SEGMENT_1)) as Uint8Array;
    for (let size = from + 1; size < to; size++) {
      await storage.replace(SEGMENT_1, whole.slice(0, size));
      const log = await openAt(storage);
      expect(log.lastIndex).toBe(3);
      const sizeBytes = size - from;
      expect(log.recovery.cut).toEqual({ file: SEGMENT_1, offset: from, sizeBytes });
      expect((await storage.read(SEGMENT_1))?.length).toBe(from);
    }
  });

  test("may be zeroes, or bytes that nobody wrote", async () => {
    for (const fill of [0, 0x52, 0xff]) {
      const storage = await forgetfulWitness(4);
      await change(storage, SEGMENT_1, (bytes) => Buffer.concat([bytes, Buffer.alloc(99, fill)]));
      const log = await openAt(storage);
      expect([log.lastIndex, log.recovery.cut?.sizeBytes]).toEqual([4, 99]);
    }
  });

  test("takes the whole batch with it, also when later records of the batch are whole", async () => {
    const storage = await forgetfulWitness(3);
    const log = await openAt(storage);
    await Promise.all(commands(4, 6).map((entry) => log.append({ entries: [entry] })));
    await log.close();
    await change(storage, WITNESS, (bytes) => bytes.subarray(0, -24));
    const places = await recordsOf(storage, SEGMENT_1);
    await change(storage, SEGMENT_1, (bytes) => flip(bytes, (places.at(-4) as number) + 30));
    const again = await openAt(storage);
    expect([again.lastIndex, again.recovery.cut?.offset]).toEqual([3, places.at(-4)]);
  });

  test("leaves a log that goes on: what is appended then is there at the next start", async () => {
    const storage = await forgetfulWitness(4);
    await change(storage, SEGMENT_1, (bytes) => bytes.subarray(0, -3));
    const log = await openAt(storage);
    await log.append({ entries: commands(4, 5) });
    await log.close();
    expect((await openAt(storage)).lastIndex).toBe(5);
  });
});

describe("damage", () => {
  test("in the middle is refused, naming file and byte, also when no witness saw the rest", async () => {
    const storage = await forgetfulWitness(4);
    const place = (await recordsOf(storage, SEGMENT_1))[2] as number;
    await change(storage, SEGMENT_1, (bytes) => flip(bytes, place + 30));
    expect(await damageAt(storage)).toMatchObject({ file: SEGMENT_1, offset: place });
  });

  test("to the last write that was acknowledged is no torn end: the witness saw it", async () => {
    const { storage, log } = await filled(4);
    await log.close();
    const from = (await recordsOf(storage, SEGMENT_1)).at(-2) as number;
    await change(storage, SEGMENT_1, (bytes) => bytes.subarray(0, -1));
    expect(await damageAt(storage)).toMatchObject({ file: SEGMENT_1, offset: from });
  });

  test("that cuts acknowledged writes off cleanly is seen too", async () => {
    const { storage, log } = await filled(4);
    await log.close();
    const from = (await recordsOf(storage, SEGMENT_1)).at(-3) as number;
    await change(storage, SEGMENT_1, (bytes) => bytes.subarray(0, from));
    expect(await damageAt(storage)).toMatchObject({ file: SEGMENT_1, offset: from });
  });

  test("changes nothing on the disk", async () => {
    const { storage, log } = await filled(30, { segmentBytesAim: 400 });
    await log.close();
    await change(storage, SEGMENT_2, (bytes) => flip(bytes, bytes.length - 5));
    const before = await contents(storage);
    await damageAt(storage);
    expect(await contents(storage)).toEqual(before);
  });

  test("of an older segment's end is never cut", async () => {
    const { storage, log } = await filled(30, { segmentBytesAim: 400 });
    await log.close();
    const from = (await recordsOf(storage, SEGMENT_1)).at(-2) as number;
    await change(storage, SEGMENT_1, (bytes) => bytes.subarray(0, -1));
    expect(await damageAt(storage)).toMatchObject({ file: SEGMENT_1, offset: from });
  });

  test("may be a missing file: the first segment, one between, the last one, the witness", async () => {
    for (const missing of [1, 2, -1, 0]) {
      const { storage, log } = await filled(30, { segmentBytesAim: 400 });
      await log.close();
      const segments = await storage.list("raft/log-");
      const file = missing === 0 ? WITNESS : segments.at(missing < 0 ? missing : missing - 1);
      await storage.remove(file as string);
      const found = await damageAt(storage);
      // Without the first one, the second says what is missing.
      expect(found.file).toBe(missing === 1 ? SEGMENT_2 : file);
    }
  });

  test("may be all segments gone, which is not a new log", async () => {
    const storage = await (await filled(3)).storage;
    await storage.remove(SEGMENT_1);
    expect(await damageAt(storage)).toMatchObject({ file: SEGMENT_1 });
  });

  test("may be a record that is there twice, though each of them is whole", async () => {
    const storage = await forgetfulWitness(5);
    const places = await recordsOf(storage, SEGMENT_1);
    const [from, to] = places.slice(-3) as [number, number];
    await change(storage, SEGMENT_1, (bytes) => Buffer.concat([bytes, bytes.subarray(from, to)]));
    // An old write behind the end was never acknowledged there: it is cut, and voids nothing.
    expect((await openAt(storage)).lastIndex).toBe(5);
  });

  test("may be a record of another segment of the log", async () => {
    const { storage, log } = await filled(30, { segmentBytesAim: 400 });
    await log.close();
    const other = (await storage.read(SEGMENT_1)) as Uint8Array;
    const [from, to] = (await recordsOf(storage, SEGMENT_1)) as [number, number];
    await change(storage, SEGMENT_2, (bytes) => {
      const place = 16 + bytes.readUInt32LE(12) + 4;
      bytes.set(other.subarray(from, to), place);
      return bytes;
    });
    expect(await damageAt(storage)).toMatchObject({ file: SEGMENT_2 });
  });
});

describe("a log that is not this program's", () => {
  test("because a newer version wrote it is refused, and is not called damaged", async () => {
    for (const file of [SEGMENT_1, WITNESS]) {
      const storage = await closedLog();
      await change(storage, file, (bytes) => withVersion(bytes, 2));
      await expect(openAt(storage)).rejects.toMatchObject({
        code: "ERR_LOG_FORMAT",
        details: { file, found: 2, supported: 1 },
      });
    }
  });

  test("because it is another group's is refused", async () => {
    const storage = await closedLog();
    await expect(openAt(storage, { group: "group-2" })).rejects.toMatchObject({
      code: "ERR_LOG_FOREIGN",
      details: { expected: "group-2", found: "group-1" },
    });
  });
});

describe("a start after a crash between two steps", () => {
  test("of the making of a log makes it", async () => {
    const { storage } = await filled(0);
    await change(storage, SEGMENT_1, (bytes) => bytes.subarray(0, 16 + bytes.readUInt32LE(12) + 4));
    await storage.remove(WITNESS);
    const log = await openAt(storage);
    await log.append({ hardState: { term: 1, vote: ALICE, commit: 0 } });
    await log.close();
    expect((await openAt(storage)).hardState.vote).toBe(ALICE);
  });

  test("of the installation of a snapshot finishes it: the log begins anew behind it", async () => {
    const { storage, log } = await filled(5);
    const before = await contents(storage);
    await snapshotAt(log, metaAt(9), "state");
    await log.close();
    // Only the snapshot's own files had been written.
    for (const [file, bytes] of before) await storage.replace(file, bytes);
    await storage.remove(SEGMENT_2);
    const again = await openAt(storage);
    expect([again.firstIndex, again.lastIndex, again.hardState.commit]).toEqual([10, 9, 9]);
    await again.append({ entries: [command(10)] });
    await again.close();
    expect((await openAt(storage)).lastIndex).toBe(10);
  });
});

async function closedLog(): Promise<MemoryStorage> {
  const { storage, log } = await filled(3);
  return closed(log, storage);
}

async function contents(storage: MemoryStorage): Promise<Map<string, Uint8Array>> {
  const files = new Map<string, Uint8Array>();
  for (const file of await storage.list("")) {
    files.set(file, new Uint8Array((await storage.read(file)) ?? memoryStorageLost(file)));
  }
  return files;
}

function memoryStorageLost(file: string): never {
  throw new Error(`${file} is listed and not there`);
}

function flip(bytes: Buffer, at: number): Buffer {
  bytes[at] = (bytes[at] as number) ^ 1;
  return bytes;
}

/** A whole header that names another version. */
function withVersion(bytes: Buffer, version: number): Buffer {
  bytes.writeUInt16LE(version, 8);
  const end = 16 + bytes.readUInt32LE(12);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, end)), end);
  return bytes;
}
