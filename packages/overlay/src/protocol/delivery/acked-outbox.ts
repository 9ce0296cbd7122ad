/**
 * AckedOutbox: the messages of acked channels that this node has sent and that are not answered yet,
 * with the times at which they are repeated.
 *
 * A message is repeated 1 s, 2 s, 4 s after it was last sent and given up 8 s after the last
 * repetition; each time is spread by a quarter, so that what was lost together is not repeated
 * together. A message that was never written is not repeated: the first copy still waits in its
 * link, and the link answers for it.
 *
 * Invariants: the ids of one target go up, one by one, so that the receiver knows an old one by its
 * number (they are serial numbers of 32 bits); an entry leaves exactly once, by `answered`, `givenUp` of `due`, or `takeWhere`; an answer
 * is taken only from the node that was asked.
 */
import { assert } from "../assert.js";
import { ACKED_OUT } from "./limits.js";

/** What the outbox needs of a message. */
export interface AckedEntry {
  /** Given by `add`. */
  id: number;
  /** Repetitions so far: kept by the outbox. */
  retries: number;
  /** When it is looked at next, in ms: kept by the outbox. */
  dueAt: number;
  readonly to: string;
  /** Its first copy was handed to a connection. */
  readonly wasWritten: boolean;
}

/** What is to be done now. */
export interface DueEntries<Entry> {
  /** Send these again. */
  readonly repeat: readonly Entry[];
  /** Nobody answered in time; they are no longer in the outbox. */
  readonly givenUp: readonly Entry[];
}

export interface AckedOutLimits {
  readonly pendingMax: number;
  readonly retriesMax: number;
  readonly delayMsMin: number;
  readonly delayMsMax: number;
  readonly targetsMax: number;
}

/** The messages to one node. */
interface Target<Entry> {
  lastId: number;
  readonly entries: Map<number, Entry>;
}

export class AckedOutbox<Entry extends AckedEntry> {
  readonly #limits: AckedOutLimits;
  readonly #targets = new Map<string, Target<Entry>>();
  /** The id that was given last: where a target that is not known, or not any more, begins. */
  #lastId = 0;
  #size = 0;

  constructor(limits: AckedOutLimits = ACKED_OUT) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#size;
  }

  get isFull(): boolean {
    return this.#size >= this.#limits.pendingMax;
  }

  /** Adds a message that is being sent now. @param chance from 0 to 1, spreads the repetition */
  add(entry: Entry, now: number, chance: number): void {
    assert(!this.isFull, "the caller looks at isFull before it adds");
    const target = this.#targetOf(entry.to);
    do {
      target.lastId = target.lastId >= 0xffffffff ? 1 : target.lastId + 1;
    } while (target.entries.has(target.lastId));
    entry.id = target.lastId;
    entry.retries = 0;
    entry.dueAt = now + this.#delayOf(0, chance);
    target.entries.set(entry.id, entry);
    this.#lastId = entry.id;
    this.#size += 1;
  }

  /** Takes the message an answer belongs to; undefined for a second answer, or a stranger's. */
  answered(id: number, from: string): Entry | undefined {
    const target = this.#targets.get(from);
    const entry = target?.entries.get(id);
    if (target === undefined || entry === undefined) return undefined;
    this.#remove(target, entry);
    return entry;
  }

  /** Says what is due and when each is due again. @param chance answers a number from 0 to 1 */
  due(now: number, chance: () => number): DueEntries<Entry> {
    const repeat: Entry[] = [];
    const givenUp: Entry[] = [];
    for (const target of this.#targets.values()) {
      for (const entry of target.entries.values()) {
        if (entry.dueAt > now) continue;
        if (!entry.wasWritten) {
          entry.dueAt = now + this.#delayOf(0, chance());
        } else if (entry.retries >= this.#limits.retriesMax) {
          this.#remove(target, entry);
          givenUp.push(entry);
        } else {
          entry.retries += 1;
          entry.dueAt = now + this.#delayOf(entry.retries, chance());
          repeat.push(entry);
        }
      }
    }
    return { repeat, givenUp };
  }

  /** The earliest time at which something is due. */
  nextDue(): number | undefined {
    let next: number | undefined;
    for (const { entries } of this.#targets.values()) {
      for (const { dueAt } of entries.values()) {
        if (next === undefined || dueAt < next) next = dueAt;
      }
    }
    return next;
  }

  /** Takes every message that fulfils the condition, in the order they were added. */
  takeWhere(condition: (entry: Entry) => boolean): Entry[] {
    const taken: Entry[] = [];
    for (const target of this.#targets.values()) {
      for (const entry of target.entries.values()) {
        if (!condition(entry)) continue;
        this.#remove(target, entry);
        taken.push(entry);
      }
    }
    return taken;
  }

  #targetOf(to: string): Target<Entry> {
    const known = this.#targets.get(to);
    if (known !== undefined) return known;
    if (this.#targets.size >= this.#limits.targetsMax) {
      for (const [id, { entries }] of this.#targets) {
        if (entries.size > 0) continue;
        this.#targets.delete(id);
        break;
      }
    }
    const target: Target<Entry> = { lastId: this.#lastId, entries: new Map() };
    this.#targets.set(to, target);
    return target;
  }

  #remove(target: Target<Entry>, entry: Entry): void {
    target.entries.delete(entry.id);
    this.#size -= 1;
  }

  #delayOf(retries: number, chance: number): number {
    const { delayMsMin, delayMsMax } = this.#limits;
    return Math.min(delayMsMax, delayMsMin * 2 ** retries * (0.75 + chance / 2));
  }
}
