/**
 * ledger: the process that scenarios call, and where it writes what it really did.
 *
 * It writes outside of the cluster, at the moment it acts, so that a node killed in the next microsecond is on record:
 * in one process into the world's own list, in a process of its own into a file.
 */
import { defineProcess, defineTopic } from "@foundation/foundation";

/** One handled message. */
export interface LedgerLine {
  readonly id: string;
  /** Node, boot and serial of the process that handled it. */
  readonly instance: string;
  /** Present for casts: the sender's order. */
  readonly cast?: { readonly sender: string; readonly sequence: number };
}

/** A message with its place in its sender's order. */
export interface NumberedMessage {
  readonly id: string;
  /** Node and boot. */
  readonly sender: string;
  readonly sequence: number;
}

let write: (line: LedgerLine) => void = () => {
  throw new Error("no world has said where ledgers write: call writeLedgerTo first");
};

/** Where all ledger processes of this operating-system process write from now on. */
export function writeLedgerTo(sink: (line: LedgerLine) => void): void {
  write = sink;
}

export function keyOf({ node, boot }: { readonly node: string; readonly boot: string }): string {
  return `${node.slice(0, 8)}/${boot.slice(-10)}`;
}

function instanceOf(pid: { node: string; boot: string; serial: number }): string {
  return `${keyOf(pid)}/${pid.serial}`;
}

export const ledger = defineProcess({
  name: "worlds.ledger",
  init: () => ({ count: 0 }),
  call: {
    book: ({ state, self }, id: string) => {
      write({ id, instance: instanceOf(self) });
      return (state.count += 1);
    },
    who: ({ self }) => instanceOf(self),
  },
  cast: {
    note: ({ state, self }, { id, sender, sequence }: NumberedMessage) => {
      write({ id, instance: instanceOf(self), cast: { sender, sequence } });
      state.count += 1;
    },
  },
});

export const news = defineTopic<NumberedMessage>("worlds.news");
