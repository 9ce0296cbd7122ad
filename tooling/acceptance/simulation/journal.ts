/**
 * Journal: what the processes of all simulated nodes really did, kept outside of them.
 *
 * A process writes the id of each message it handles; the checks compare that with what callers were told. The handlers
 * are modules of this process, shared by all nodes, so they find the journal of the running simulation here.
 */
import { defineProcess, defineTopic } from "@foundation/foundation";
import { nodeRuntime } from "@foundation/core";

/** One handled message. */
export interface Entry {
  readonly id: string;
  /** Node, boot and serial of the process that handled it. */
  readonly instance: string;
  /** Virtual time. */
  readonly atMs: number;
}

export class Journal {
  readonly ran = new Map<string, Entry[]>();
  /** The last cast of each sender that an instance handled, and those that came out of order. */
  readonly disorder: string[] = [];
  /** Instances that began by themselves; the others were moved here from another node. */
  readonly born = new Set<string>();
  /** Where an instance went on, by what it was before; one that handled nothing between two moves is left out. */
  readonly movedTo = new Map<string, string>();
  readonly #lastCast = new Map<string, number>();
  readonly #now: () => number;

  constructor(now: () => number = () => 0) {
    this.#now = now;
  }

  note(id: string, instance: string): void {
    const entry = { id, instance, atMs: this.#now() };
    const entries = this.ran.get(id);
    if (entries) entries.push(entry);
    else this.ran.set(id, [entry]);
  }

  /** What an instance was last, as its state says, and what it is. */
  noteMove(from: string, to: string): void {
    if (from !== to) this.movedTo.set(from, to);
  }

  /** What an instance has become. */
  nowOf(instance: string): string {
    let now = instance;
    for (let next = this.movedTo.get(now); next !== undefined; next = this.movedTo.get(now)) {
      now = next;
    }
    return now;
  }

  noteCast({ sender, sequence }: Numbered, instance: string): void {
    // What was sent to the place it left may be overtaken by what is sent to the new one.
    if (!this.born.has(instance)) return;
    const lane = `${sender} > ${instance}`;
    const last = this.#lastCast.get(lane) ?? 0;
    if (sequence <= last) this.disorder.push(`${lane}: cast ${sequence} after ${last}`);
    this.#lastCast.set(lane, sequence);
  }

  times(id: string): number {
    return this.ran.get(id)?.length ?? 0;
  }
}

/** A message with its place in its sender's order. */
export interface Numbered {
  readonly id: string;
  /** Node and boot. */
  readonly sender: string;
  readonly sequence: number;
}

let current = new Journal();

/** A new journal for the simulation that begins. */
export function newJournal(now?: () => number): Journal {
  current = new Journal(now);
  return current;
}

/** A process as the checks name it. */
export interface PidParts {
  readonly node: string;
  readonly boot: string;
  readonly serial: number;
}

export function instanceOf({ node, boot, serial }: PidParts): string {
  return `${node.slice(0, 8)}/${boot.slice(-10)}/${serial}`;
}

interface LedgerState {
  count: number;
  /** The instance that handled the last message: another one goes on with a state that was moved. */
  at: string;
}

/** Who handles a message now; a move since the last one is noted. */
function here(state: LedgerState, self: PidParts): string {
  const instance = instanceOf(self);
  current.noteMove(state.at, instance);
  state.at = instance;
  return instance;
}

export const ledger = defineProcess({
  name: "simulation.ledger",
  init: (_: undefined, { self }): LedgerState => {
    const at = instanceOf(self);
    current.born.add(at);
    return { count: 0, at };
  },
  call: {
    book: ({ state, self }, id: string) => {
      current.note(id, here(state, self));
      return (state.count += 1);
    },
    /** Takes its time before it does what it was asked for. */
    bookLater: async ({ state, self }, { id, afterMs }: { id: string; afterMs: number }) => {
      const journal = current;
      here(state, self);
      await nodeRuntime().clock.sleep(afterMs);
      journal.note(id, instanceOf(self));
      return (state.count += 1);
    },
    /** Gives back what it was given, as large as it was. */
    bookLarge: ({ state, self }, { id, bytes }: { id: string; bytes: Uint8Array }) => {
      current.note(id, here(state, self));
      state.count += 1;
      return bytes;
    },
    who: ({ state, self }) => here(state, self),
    crash: () => {
      throw new TypeError("a bug, on purpose");
    },
  },
  cast: {
    note: ({ state, self }, message: Numbered) => {
      const instance = here(state, self);
      current.note(message.id, instance);
      current.noteCast(message, instance);
      state.count += 1;
    },
  },
});

const MANY_TOPICS = 40;

/** Two that are busy, and many that are not. */
export const topics = [
  "simulation.orders",
  "simulation.stock.low",
  ...Array.from({ length: MANY_TOPICS }, (_, index) => `simulation.many.t${index}`),
].map((name) => defineTopic<Numbered>(name));
