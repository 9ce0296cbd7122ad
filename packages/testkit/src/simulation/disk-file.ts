/**
 * DiskFile: the bytes of one file of a simulated disk, and how many of them would outlive a power cut.
 *
 * Invariant: the first `durableBytes` bytes never change but by `damage`, which is a fault of the device.
 */
import type { Random } from "@foundation/core/ports";
import { simulationLimits } from "./limits.js";

/** What a device did to bytes at rest. */
export interface DiskDamage {
  readonly file: string;
  /** The first byte that is different, from the beginning of the file. */
  readonly offset: number;
  /** How many bytes the fault covers. */
  readonly sizeBytes: number;
  readonly kind: "bit-flip" | "zeroes";
}

export class DiskFile {
  #buffer: Uint8Array;
  #sizeBytes: number;
  #durableBytes: number;
  /** Its name is on the disk: it is found again after a power cut, empty perhaps. */
  #isDurable: boolean;

  /** @param durable bytes that are on the disk already; without them, the file is new */
  constructor(durable?: Uint8Array) {
    this.#buffer = durable?.slice() ?? new Uint8Array(0);
    this.#sizeBytes = this.#buffer.length;
    this.#durableBytes = this.#buffer.length;
    this.#isDurable = durable !== undefined;
  }

  get durableBytes(): number {
    return this.#durableBytes;
  }

  read(): Uint8Array {
    return this.#buffer.slice(0, this.#sizeBytes);
  }

  append(bytes: Uint8Array): void {
    const sizeBytes = this.#sizeBytes + bytes.length;
    if (sizeBytes > this.#buffer.length) {
      // Doubled: a log that is written record by record would be copied whole for each of them.
      const grown = new Uint8Array(Math.max(sizeBytes, 2 * this.#buffer.length));
      grown.set(this.#buffer.subarray(0, this.#sizeBytes));
      this.#buffer = grown;
    }
    this.#buffer.set(bytes, this.#sizeBytes);
    this.#sizeBytes = sizeBytes;
  }

  truncate(sizeBytes: number): void {
    this.#sizeBytes = Math.min(this.#sizeBytes, Math.max(0, sizeBytes));
    this.#durableBytes = Math.min(this.#durableBytes, this.#sizeBytes);
  }

  sync(): void {
    this.#durableBytes = this.#sizeBytes;
    this.#isDurable = true;
  }

  /** What would be found after a power cut that loses all there is to lose; undefined when that is no file. */
  durable(): Uint8Array | undefined {
    return this.#isDurable ? this.#buffer.slice(0, this.#durableBytes) : undefined;
  }

  /**
   * The power fails: of the unsynced bytes a prefix is left, and perhaps bytes after it that nobody wrote, where the size
   * reached the disk and the content did not. What is left is on the disk. False when nothing is left of a file that
   * was never synced.
   */
  losePower(random: Random): boolean {
    const unsynced = this.#sizeBytes - this.#durableBytes;
    if (unsynced === 0) return this.#isDurable;
    const kept = Math.floor(random.next() * (unsynced + 1));
    const room = unsynced - kept;
    const garbage = random.next() < 0.5 ? Math.floor(random.next() * (room + 1)) : 0;
    const from = this.#durableBytes + kept;
    const isZero = random.next() < 0.5;
    for (let i = from; i < from + garbage; i++) this.#buffer[i] = isZero ? 0 : random.uint32();
    this.#sizeBytes = from + garbage;
    this.#durableBytes = this.#sizeBytes;
    this.#isDurable ||= this.#sizeBytes > 0;
    return this.#isDurable;
  }

  /** A bit of the durable bytes flips, or a stretch of them becomes zeroes. There must be some. */
  damage(file: string, random: Random): DiskDamage {
    const offset = Math.floor(random.next() * this.#durableBytes);
    const stretch = 1 + Math.floor(random.next() * simulationLimits.damagedBytesMax);
    const end = Math.min(this.#durableBytes, offset + stretch);
    const first = this.#buffer.subarray(offset, end).findIndex((byte) => byte !== 0);
    if (random.next() < 0.5 && first >= 0) {
      this.#buffer.fill(0, offset, end);
      return { file, offset: offset + first, sizeBytes: end - offset - first, kind: "zeroes" };
    }
    const bit = 1 << Math.floor(random.next() * 8);
    this.#buffer[offset] = (this.#buffer[offset] as number) ^ bit;
    return { file, offset, sizeBytes: 1, kind: "bit-flip" };
  }
}
