/**
 * DiskBook: what each node's disk has promised, kept outside of the nodes.
 *
 * Each node appends numbered records to a file, as a write-ahead log does, and syncs them. The next start reads them
 * back: every record whose sync was answered must be there, each linked to the one before, and what is not whole may
 * stand only at the end. A disk that was damaged, exchanged or set back owes nothing.
 */
import type { Clock, Storage } from "@foundation/core/ports";
import { isFoundationError } from "@foundation/core";
import { journalRecord, parseJournal } from "./journal-record.js";

export const JOURNAL_FILE = "simulation/journal.log";
/** Bytes of one file; then it is begun anew with its last record. */
const FILE_BYTES_MAX = 8_192;
const WRITE_EVERY_MS = 400;

interface Disk {
  /** The greatest number whose sync was answered. */
  synced: number;
  /** The greatest number that was given to the disk. */
  written: number;
  /** It owes nothing until it was read again. */
  isDamaged: boolean;
}

export class DiskBook {
  readonly #disks = new Map<string, Disk>();
  readonly violations: string[] = [];
  /** Records that were found again by a later start. */
  readBack = 0;

  /** The disk of this node was damaged, exchanged or set back. */
  damaged(name: string): void {
    this.of(name).isDamaged = true;
  }

  /** What a start found; gives the number and size its file goes on from. */
  found(name: string, bytes: Uint8Array): { readonly last: number; readonly sizeBytes: number } {
    const disk = this.of(name);
    const { last, count, sizeBytes } = parseJournal(bytes);
    this.readBack += count;
    if (!disk.isDamaged && last < disk.synced) {
      const what = `record ${disk.synced} was synced, but the last that came back is ${last}`;
      this.violations.push(`disk of ${name}: ${what} of ${bytes.length} bytes`);
    }
    if (last > disk.written) {
      this.violations.push(`disk of ${name}: gave record ${last}, written were ${disk.written}`);
    }
    disk.isDamaged = false;
    disk.synced = last;
    return { last, sizeBytes };
  }

  of(name: string): Disk {
    let disk = this.#disks.get(name);
    if (disk === undefined) {
      disk = { synced: 0, written: 0, isDamaged: false };
      this.#disks.set(name, disk);
    }
    return disk;
  }
}

/** The journal of one start of a node. */
export class DiskJournal {
  readonly #book: DiskBook;
  readonly #name: string;
  readonly #storage: Storage;
  #last = 0;
  #sizeBytes = 0;

  constructor(book: DiskBook, name: string, storage: Storage) {
    this.#book = book;
    this.#name = name;
    this.#storage = storage;
  }

  /** Reads back, judges, cuts a torn tail off, and then writes a record at a time until the signal fires. */
  async keep(clock: Clock, signal: AbortSignal): Promise<void> {
    const bytes = (await this.#storage.read(JOURNAL_FILE)) ?? new Uint8Array(0);
    const { last, sizeBytes } = this.#book.found(this.#name, bytes);
    this.#last = last;
    this.#sizeBytes = sizeBytes;
    let isTorn = sizeBytes < bytes.length;
    while (!signal.aborted) {
      try {
        if (isTorn) await this.#cut();
        isTorn = true;
        await this.#write();
        isTorn = false;
      } catch (error) {
        if (!isFoundationError(error, "ERR_STORAGE")) throw error;
      }
      await clock.sleep(WRITE_EVERY_MS, { signal }).catch(() => undefined);
    }
  }

  /** Takes away what a failed write left behind its last record. */
  async #cut(): Promise<void> {
    if (this.#sizeBytes === 0) await this.#storage.remove(JOURNAL_FILE);
    else await this.#storage.truncate(JOURNAL_FILE, this.#sizeBytes);
  }

  async #write(): Promise<void> {
    const disk = this.#book.of(this.#name);
    disk.written += 1;
    const sequence = disk.written;
    if (this.#sizeBytes >= FILE_BYTES_MAX) {
      const record = journalRecord(sequence, 0);
      await this.#storage.replace(JOURNAL_FILE, record);
      this.#sizeBytes = record.length;
    } else {
      const record = journalRecord(sequence, this.#last);
      await this.#storage.append(JOURNAL_FILE, record);
      await this.#storage.sync(JOURNAL_FILE);
      this.#sizeBytes += record.length;
    }
    this.#last = sequence;
    disk.synced = sequence;
  }
}
