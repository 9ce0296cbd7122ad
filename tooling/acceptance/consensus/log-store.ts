/**
 * LogStore: a MemberStore on the product's durable log and on the part of its shell that writes to it, over a disk whose
 * power may fail between any two operations and which leaves torn and mixed-up sectors behind.
 *
 * The model beside it says what must be there: after a crash nothing that was acknowledged may be missing. What is found
 * then is the truth that checks go by.
 */
import { silentLogger } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import {
  FIRST_HARD_STATE,
  openDurableLog,
  type DurableLog,
  type Entry,
  type Recovered,
  type StagedChunk,
  type Write,
} from "@foundation/consensus";
import { Disk } from "../../../packages/consensus/src/group/disk.js";
import { CrashingDisk } from "../../../packages/consensus/test/property/storage/crashing-disk.js";
import type { Member } from "./member.js";
import { STALL_LOOK_MS, type DiskTiming, type MemberStore } from "./member-store.js";
import type { StoredSnapshot } from "./model-disk.js";
import { fail } from "./violation.js";

/** Small, so that a run of some seconds has many segments, parts and witnesses. */
const LIMITS = {
  segmentBytesAim: 8_192,
  batchBytesAim: 4_096,
  windowBytesAim: 2_000,
  witnessBytesMax: 2_000,
  snapshotPartBytes: 128,
};
const FOLDER = "raft/g";
/** A write is an append and a sync, now and then more. */
const OPERATIONS_PER_WRITE = 2;
const POWER_CUTS = 0.7;

export class LogStore implements MemberStore {
  readonly #member: Member;
  readonly #timing: DiskTiming;
  readonly #files: CrashingDisk;
  #disk: Disk | undefined;
  #onDurable = new Map<number, () => void>();
  #isPumping = false;
  /** When it crashed, something was being written. */
  #wasBusy = false;
  #failure: { readonly error: unknown } | undefined;

  constructor(member: Member, timing: DiskTiming, random: Random) {
    this.#member = member;
    this.#timing = timing;
    this.#files = new CrashingDisk(random);
  }

  open(onOpen: Parameters<MemberStore["open"]>[0]): void {
    const { life } = this.#member;
    const storage = this.#files.open();
    this.#goOn(async () => {
      const log = await openDurableLog({ storage, folder: FOLDER, group: "g", limits: LIMITS });
      await this.#found(log);
      const entries = await entriesOf(log);
      const snapshot = await snapshotOf(log);
      if (this.#member.life !== life) return;
      const disk = this.#diskOn(log, life);
      const staged = disk.resume();
      const { hardState } = log;
      const recovered: Recovered = {
        hardState,
        entries,
        ...(snapshot && { snapshot: snapshot.meta }),
        ...(staged && { staged }),
      };
      this.#mustHaveAll(recovered);
      this.#member.disk.restart(recovered, snapshot);
      onOpen(recovered, snapshot);
    });
  }

  write(write: Write, onDurable: () => void): void {
    this.#onDurable.set(write.number, onDurable);
    this.#disk?.write(write);
    this.#goOn();
  }

  stage(chunk: StagedChunk): void {
    this.#member.disk.stage(chunk);
    this.#disk?.stage(chunk);
    this.#goOn();
  }

  keep(snapshot: StoredSnapshot, keepAfter: number, onDone: (isKept: boolean) => void): void {
    const disk = this.#disk;
    if (!disk) return;
    const { life } = this.#member;
    const { installs } = disk;
    this.#goOn(async () => {
      const writer = disk.log.createSnapshot();
      await writer.write(snapshot.bytes);
      const isOld =
        disk.installs !== installs || (disk.log.snapshot?.index ?? 0) >= snapshot.meta.index;
      if (isOld) {
        await writer.discard();
        if (this.#member.life === life) onDone(false);
        return;
      }
      await disk.log.installSnapshot(writer, snapshot.meta);
      if (this.#member.life !== life) return;
      this.#member.disk.keep(snapshot, keepAfter);
      onDone(true);
      if (keepAfter >= disk.log.firstIndex) await disk.log.compact(keepAfter);
    });
  }

  readChunk(...[id, offset, bytesMax, onRead]: Parameters<MemberStore["readChunk"]>): void {
    const disk = this.#disk;
    if (!disk) return;
    const { life } = this.#member;
    this.#goOn(async () => {
      const reader = disk.log.snapshot?.id === id ? disk.log.openSnapshot() : undefined;
      const data = await reader?.read(offset, bytesMax);
      const isLast = reader !== undefined && offset + (data?.length ?? 0) >= reader.sizeBytes;
      await reader?.close();
      if (this.#member.life === life) onRead(data && { data, isLast });
    });
  }

  crash(): void {
    this.#wasBusy = this.#member.disk.openWrites > 0;
    this.#disk = undefined;
    this.#onDurable = new Map();
    if (this.#timing.random.next() < POWER_CUTS) this.#files.crash();
    else this.#files.kill();
    this.#member.disk.crash(0, true);
  }

  #diskOn(log: DurableLog, life: number): Disk {
    const { disk: model } = this.#member;
    const isMine = (): boolean => this.#member.life === life;
    const disk = new Disk(
      log,
      {
        feed: (input) => {
          if (input.type !== "persisted" || !isMine()) return;
          model.complete(input.write);
          this.#onDurable.get(input.write)?.();
          this.#onDurable.delete(input.write);
        },
        installed: () => {},
        failed: (error) => {
          if (isMine()) this.#failure = { error };
        },
      },
      silentLogger(),
    );
    this.#disk = disk;
    return disk;
  }

  /** Of a first voter, when it starts first. */
  async #found(log: DurableLog): Promise<void> {
    const { hardState, entries } = this.#member.disk;
    const isNew = log.lastIndex === 0 && log.hardState.term === 0;
    if (!isNew || hardState !== FIRST_HARD_STATE) return;
    await log.append({ hardState, entries });
  }

  /** What was acknowledged may not be missing. */
  #mustHaveAll({ hardState, entries, snapshot }: Recovered): void {
    const { disk, name } = this.#member;
    const last = Math.max(snapshot?.index ?? 0, entries.at(-1)?.index ?? 0);
    if (hardState.term < disk.hardState.term) {
      fail("durability", `${name} finds an earlier term than it acknowledged`);
    }
    // A write that was under way may have cut the log, and nobody was told.
    if (!this.#wasBusy && last < disk.lastIndex) {
      fail("durability", `${name} finds entries up to ${last}, and acknowledged ${disk.lastIndex}`);
    }
  }

  /** Lets promises of the log go on, now and whenever its disk has done something. */
  #goOn(work?: () => Promise<void>): void {
    const run = async (): Promise<void> => {
      work?.().catch((error: unknown) => {
        this.#failure = { error };
      });
      for (let hop = 0; hop < HOPS; hop += 1) await Promise.resolve();
      this.#pump();
    };
    this.#timing.settle(run);
  }

  #pump(): void {
    if (this.#failure) throw this.#failure.error;
    if (this.#isPumping || this.#files.isIdle) return;
    this.#isPumping = true;
    const { after, syncMs, random } = this.#timing;
    const ms = (syncMs() * (0.5 + random.next()) + this.#member.dragMs) / OPERATIONS_PER_WRITE;
    const step = (): void => {
      if (this.#member.isDiskStalled) return after(STALL_LOOK_MS, step);
      this.#isPumping = false;
      this.#timing.settle(async () => {
        await this.#files.step();
        this.#pump();
      });
    };
    after(ms, step);
  }
}

/** More than any chain of promises in a log is long. */
const HOPS = 40;

async function entriesOf(log: DurableLog): Promise<readonly Entry[]> {
  const entries: Entry[] = [];
  const from = Math.max(log.firstIndex, (log.snapshot?.index ?? 0) + 1);
  while (from + entries.length <= log.lastIndex) {
    entries.push(...(await log.read(from + entries.length)));
  }
  return entries;
}

async function snapshotOf(log: DurableLog): Promise<StoredSnapshot | undefined> {
  const reader = log.openSnapshot();
  if (!reader) return undefined;
  const pieces: number[] = [];
  while (pieces.length < reader.sizeBytes) {
    for (const byte of await reader.read(pieces.length, reader.sizeBytes)) pieces.push(byte);
  }
  await reader.close();
  return { meta: reader.meta, bytes: new Uint8Array(pieces) };
}
