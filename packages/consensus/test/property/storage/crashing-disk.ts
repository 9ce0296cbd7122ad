/**
 * CrashingDisk: a Storage whose operations happen one at a time, when the test says so, and whose power may fail between
 * any two. What a crash leaves of unsynced bytes is what file systems leave: nothing, a beginning, sectors of it in any
 * order with zeroes between, or bytes that nobody wrote.
 */
import { storageFailure } from "@foundation/core";
import type { Random, Storage } from "@foundation/core/ports";

interface DiskFile {
  bytes: Uint8Array;
  durableBytes: number;
}

interface Operation {
  readonly file: string;
  readonly run: () => void;
  readonly append?: Uint8Array;
}

const SECTOR_BYTES = 64;
/** More than any chain of promises in a log is long. */
const HOPS = 40;

export class CrashingDisk {
  readonly #random: Random;
  files = new Map<string, DiskFile>();
  isFull = false;
  syncs = 0;
  #operations: Operation[] = [];
  #boot = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** The files as a process sees them that has just started. */
  open(): Storage {
    this.#boot += 1;
    return new Handle(this, this.#boot);
  }

  get isIdle(): boolean {
    return this.#operations.length === 0;
  }

  isAlive(boot: number): boolean {
    return boot === this.#boot;
  }

  add(operation: Operation): void {
    this.#operations.push(operation);
  }

  /** Does one operation that is first in its file's line. */
  async step(): Promise<void> {
    const first = this.#operations.filter(
      ({ file }, i) => this.#operations.findIndex((other) => other.file === file) === i,
    );
    const chosen = first[Math.floor(this.#random.next() * first.length)];
    if (chosen) {
      this.#operations.splice(this.#operations.indexOf(chosen), 1);
      chosen.run();
    }
    for (let hop = 0; hop < HOPS; hop++) await Promise.resolve();
  }

  /** Does operations until the promise has settled. */
  async until<T>(promise: Promise<T>): Promise<T> {
    let isSettled = false;
    const settle = () => {
      isSettled = true;
    };
    promise.then(settle, settle);
    while (!isSettled) await this.step();
    return promise;
  }

  /** The power fails: what was not synced may be lost. */
  crash(): void {
    this.kill();
    for (const [name, file] of this.files) this.#losePower(name, file);
  }

  /** The process is gone. Operations that wait never happen; an append may have happened in part. */
  kill(): void {
    for (const { file, append } of this.#operations) {
      const isFirst = this.#operations.find((other) => other.file === file)?.append === append;
      if (append && isFirst && this.#random.next() < 0.5) {
        this.append(file, append.subarray(0, Math.floor(this.#random.next() * append.length)));
      }
    }
    this.#operations = [];
    this.#boot += 1;
  }

  read(file: string): Uint8Array | undefined {
    const found = this.files.get(file);
    return found && new Uint8Array(found.bytes);
  }

  replace(file: string, bytes: Uint8Array): void {
    if (this.isFull)
      throw storageFailure(file, "replace", "ENOSPC: no space left on device, write");
    this.files.set(file, { bytes, durableBytes: bytes.length });
  }

  append(file: string, bytes: Uint8Array): void {
    if (this.isFull) throw storageFailure(file, "append", "ENOSPC: no space left on device, write");
    const old = this.files.get(file) ?? { bytes: new Uint8Array(0), durableBytes: 0 };
    const grown = new Uint8Array(old.bytes.length + bytes.length);
    grown.set(old.bytes);
    grown.set(bytes, old.bytes.length);
    this.files.set(file, { bytes: grown, durableBytes: old.durableBytes });
  }

  truncate(file: string, sizeBytes: number): void {
    const old = this.files.get(file);
    if (!old) throw storageFailure(file, "truncate", "there is no such file");
    const bytes = old.bytes.slice(0, sizeBytes);
    this.files.set(file, { bytes, durableBytes: Math.min(old.durableBytes, bytes.length) });
  }

  sync(file: string): void {
    this.syncs += 1;
    const found = this.files.get(file);
    if (found) found.durableBytes = found.bytes.length;
  }

  #losePower(name: string, { bytes, durableBytes }: DiskFile): void {
    const unsynced = bytes.length - durableBytes;
    if (unsynced === 0) return;
    const chance = this.#random.next();
    const kept =
      chance < 0.2 ? 0 : chance < 0.4 ? unsynced : Math.ceil(this.#random.next() * unsynced);
    const left = bytes.slice(0, durableBytes + kept);
    if (this.#random.next() < 0.6) this.#loseSectors(left, durableBytes);
    this.files.set(name, { bytes: left, durableBytes: left.length });
    if (left.length === 0) this.files.delete(name);
  }

  #loseSectors(bytes: Uint8Array, from: number): void {
    for (let at = from; at < bytes.length; at += SECTOR_BYTES) {
      if (this.#random.next() < 0.5) continue;
      const end = Math.min(bytes.length, at + SECTOR_BYTES);
      if (this.#random.next() < 0.5) bytes.fill(0, at, end);
      else for (let i = at; i < end; i++) bytes[i] = this.#random.uint32();
    }
  }
}

class Handle implements Storage {
  readonly #disk: CrashingDisk;
  readonly #boot: number;

  constructor(disk: CrashingDisk, boot: number) {
    this.#disk = disk;
    this.#boot = boot;
  }

  list(prefix: string): Promise<readonly string[]> {
    const names = () => [...this.#disk.files.keys()].filter((name) => name.startsWith(prefix));
    return this.#do("", () => names().sort());
  }

  read(file: string): Promise<Uint8Array | undefined> {
    return this.#do(file, () => this.#disk.read(file));
  }

  replace(file: string, bytes: Uint8Array): Promise<void> {
    const content = new Uint8Array(bytes);
    return this.#do(file, () => this.#disk.replace(file, content));
  }

  append(file: string, bytes: Uint8Array): Promise<void> {
    const content = new Uint8Array(bytes);
    return this.#do(file, () => this.#disk.append(file, content), content);
  }

  truncate(file: string, sizeBytes: number): Promise<void> {
    return this.#do(file, () => this.#disk.truncate(file, sizeBytes));
  }

  sync(file: string): Promise<void> {
    return this.#do(file, () => this.#disk.sync(file));
  }

  remove(file: string): Promise<void> {
    return this.#do(file, () => void this.#disk.files.delete(file));
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  /** A process that has died hears nothing more. */
  #do<T>(file: string, effect: () => T, append?: Uint8Array): Promise<T> {
    return new Promise((resolve, reject) => {
      if (!this.#disk.isAlive(this.#boot)) return;
      const run = () => {
        try {
          resolve(effect());
        } catch (error) {
          reject(error);
        }
      };
      this.#disk.add({ file, run, ...(append && { append }) });
    });
  }
}
