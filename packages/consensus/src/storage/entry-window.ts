/**
 * EntryWindow: the newest entries in memory, bounded by their size.
 *
 * Entries that are not on the disk yet stand nowhere else, so they stay however many they are; the log bounds them by
 * refusing appends. Invariant: indexes are contiguous and end with the log.
 */
import { entryBytes, type Entry } from "../protocol/raft/entry.js";

export class EntryWindow {
  readonly #bytesAim: number;
  #first = 1;
  /** The entries from `#first` on stand from `#head` on; what is before is gone. */
  #entries: Entry[] = [];
  #head = 0;
  #bytes = 0;

  constructor(bytesAim: number) {
    this.#bytesAim = bytesAim;
  }

  get sizeBytes(): number {
    return this.#bytes;
  }

  at(index: number): Entry | undefined {
    return index < this.#first ? undefined : this.#entries[this.#head + index - this.#first];
  }

  /** Takes the entry in; what stood at its index and behind it goes. */
  put(entry: Entry): void {
    const end = this.#first + this.#entries.length - this.#head;
    if (entry.index < this.#first || entry.index > end) this.restart(entry.index);
    else if (entry.index < end) this.#cut(entry.index);
    this.#entries.push(entry);
    this.#bytes += entryBytes(entry);
  }

  /** Forgets everything; the next entry has this index. */
  restart(index: number): void {
    this.#first = index;
    this.#entries = [];
    this.#head = 0;
    this.#bytes = 0;
  }

  /** Lets the oldest go until the size is kept, up to the last one that is on the disk. */
  trim(durableIndex: number): void {
    while (this.#bytes > this.#bytesAim && this.#first <= durableIndex) {
      const oldest = this.#entries[this.#head];
      if (!oldest) break;
      this.#bytes -= entryBytes(oldest);
      this.#head += 1;
      this.#first += 1;
    }
    // Moved only when half of the array is empty: each entry is moved once on average.
    if (this.#head > 1_024 && this.#head * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#head);
      this.#head = 0;
    }
  }

  #cut(index: number): void {
    const removed = this.#entries.splice(this.#head + index - this.#first);
    for (const entry of removed) this.#bytes -= entryBytes(entry);
  }
}
