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
}

export class Journal {
  readonly ran = new Map<string, Entry[]>();
  /** The last cast of each sender that an instance handled, and those that came out of order. */
  readonly disorder: string[] = [];
  readonly #lastCast = new Map<string, number>();

  note(id: string, instance: string): void {
    const entries = this.ran.get(id);
    if (entries) entries.push({ id, instance });
    else this.ran.set(id, [{ id, instance }]);
  }

  noteCast({ sender, sequence }: Numbered, instance: string): void {
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
export function newJournal(): Journal {
  current = new Journal();
  return current;
}

interface PidParts {
  readonly node: string;
  readonly boot: string;
  readonly serial: number;
}

export function instanceOf({ node, boot, serial }: PidParts): string {
  return `${node.slice(0, 8)}/${boot.slice(-10)}/${serial}`;
}

export const ledger = defineProcess({
  name: "simulation.ledger",
  init: () => ({ count: 0 }),
  call: {
    book: ({ state, self }, id: string) => {
      current.note(id, instanceOf(self));
      return (state.count += 1);
    },
    /** Takes its time before it does what it was asked for. */
    bookLater: async ({ state, self }, { id, afterMs }: { id: string; afterMs: number }) => {
      const journal = current;
      await nodeRuntime().clock.sleep(afterMs);
      journal.note(id, instanceOf(self));
      return (state.count += 1);
    },
    who: ({ self }) => instanceOf(self),
    crash: () => {
      throw new TypeError("a bug, on purpose");
    },
  },
  cast: {
    note: ({ state, self }, message: Numbered) => {
      current.note(message.id, instanceOf(self));
      current.noteCast(message, instanceOf(self));
      state.count += 1;
    },
  },
});

export const topics = ["simulation.orders", "simulation.stock.low"].map((name) =>
  defineTopic<Numbered>(name),
);
