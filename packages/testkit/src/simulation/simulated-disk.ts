/**
 * SimulatedDisk: one node's files, and what goes wrong with disks: it stalls, is full, forgets what was not synced, tears
 * what was being written, damages bytes at rest, and comes back as an older image of itself.
 *
 * It takes effects only; when they happen is the DiskQueue's. A process that is killed leaves a part of its last append,
 * a host that goes off may lose everything that was not synced.
 */
import { storageFailure } from "@foundation/core";
import type { Random } from "@foundation/core/ports";
import type { World } from "./boot.js";
import { DiskFile, type DiskDamage } from "./disk-file.js";
import { DiskQueue } from "./disk-queue.js";
import { simulationLimits } from "./limits.js";

/** The real file system's words, so that code that looks for them finds them. */
const NO_SPACE = "ENOSPC: no space left on device, write";
const TORN = "an earlier write failed half way and could not be cut off; truncate it first";

/** Durable bytes by the name of their file. */
type Image = ReadonlyMap<string, Uint8Array>;

export class SimulatedDisk {
  readonly queue: DiskQueue;
  isFull = false;
  readonly #chance: Random;
  #files = new Map<string, DiskFile>();
  /** Files with a torn piece at their end: nothing may follow it until they are cut or opened anew. */
  readonly #torn = new Set<string>();
  #snapshot: Image | undefined;
  #atLastBoot: Image = new Map();

  /** @param latencyMsMax each operation takes up to so long */
  constructor(world: World, random: Random, latencyMsMax: number) {
    // Delays have a source of their own: a fault does not shift them.
    this.queue = new DiskQueue(world, random.fork("delays"), latencyMsMax);
    this.#chance = random.fork("chance");
  }

  /** A process begins with what there is. */
  opened(): void {
    this.#torn.clear();
    this.#atLastBoot = this.#image();
  }

  /** What was begun is left half done. `power`: what was not synced may be lost, and torn. */
  crash(kind: "process" | "power"): void {
    this.queue.cutShort(this.#chance);
    if (kind === "process") return;
    for (const [name, file] of this.#files) {
      if (!file.losePower(this.#chance)) this.#files.delete(name);
    }
  }

  /** Damages bytes at rest of the file, or of one that chance chooses; undefined when there are none. */
  corrupt(file?: string): DiskDamage | undefined {
    const able = [...this.#files].filter(
      ([name, { durableBytes }]) => durableBytes > 0 && (file === undefined || name === file),
    );
    const chosen = able[Math.floor(this.#chance.next() * able.length)];
    return chosen?.[1].damage(chosen[0], this.#chance);
  }

  /** Keeps an image of what is durable now. */
  takeSnapshot(): void {
    this.#snapshot = this.#image();
  }

  /** Brings the image back; without one, what was there when the last boot began. */
  restore(): void {
    const image = this.#snapshot ?? this.#atLastBoot;
    this.#files = new Map([...image].map(([name, bytes]) => [name, new DiskFile(bytes)]));
  }

  wipe(): void {
    this.#files.clear();
  }

  names(prefix: string): readonly string[] {
    return [...this.#files.keys()].filter((name) => name.startsWith(prefix)).sort();
  }

  read(name: string): Uint8Array | undefined {
    return this.#files.get(name)?.read();
  }

  replace(name: string, bytes: Uint8Array): void {
    if (this.isFull) throw storageFailure(name, "replace", NO_SPACE);
    this.#torn.delete(name);
    this.#files.set(name, new DiskFile(bytes));
  }

  append(name: string, bytes: Uint8Array): void {
    if (this.#torn.has(name)) throw storageFailure(name, "append", TORN);
    if (this.isFull) {
      // A part is cut off again, as a rule; where that fails too, it stays.
      const stays = this.#chance.next() < simulationLimits.tornAppendChance;
      if (stays && this.appendPartly(name, bytes)) this.#torn.add(name);
      throw storageFailure(name, "append", NO_SPACE);
    }
    this.#fileFor(name).append(bytes);
  }

  /** Writes less than all of the bytes; false when that is nothing. */
  appendPartly(name: string, bytes: Uint8Array): boolean {
    const sizeBytes = Math.floor(this.#chance.next() * bytes.length);
    if (sizeBytes > 0) this.#fileFor(name).append(bytes.subarray(0, sizeBytes));
    return sizeBytes > 0;
  }

  truncate(name: string, sizeBytes: number): void {
    const found = this.#files.get(name);
    if (!found) throw storageFailure(name, "truncate", "there is no such file");
    this.#torn.delete(name);
    found.truncate(sizeBytes);
  }

  sync(name: string): void {
    this.#files.get(name)?.sync();
  }

  remove(name: string): void {
    this.#torn.delete(name);
    this.#files.delete(name);
  }

  #fileFor(name: string): DiskFile {
    const found = this.#files.get(name);
    if (found) return found;
    const made = new DiskFile();
    this.#files.set(name, made);
    return made;
  }

  #image(): Image {
    const image = new Map<string, Uint8Array>();
    for (const [name, file] of this.#files) {
      const durable = file.durable();
      if (durable) image.set(name, durable);
    }
    return image;
  }
}
