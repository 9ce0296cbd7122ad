/**
 * Last write wins among concurrent writes of a causal state: by hybrid time, then by writer.
 *
 * A write takes the place of what its writer had seen, so time only decides between writes that did
 * not know of each other. The order is the same everywhere, and reading changes nothing: the losers
 * stay until the next write of the key, so that a removal of the winner alone shows them again.
 */
import type { Boot, NodeId } from "@foundation/core";
import type { Entry } from "../causal/strand.js";

/** What decides and is shown of a write. */
export type Live<V> = Pick<Entry<V>, "value" | "wallMs" | "counter" | "sequence" | "strand"> & {
  readonly next?: Live<V> | undefined;
};

/** When and by whom something was written. */
export interface WriteStamp {
  readonly wallMs: number;
  readonly counter: number;
  readonly node: NodeId;
  readonly boot: Boot;
}

/** The write that is shown, of a chain of concurrent ones. */
export function winnerOf<V, L extends Live<V> = Live<V>>(head: L | undefined): L | undefined {
  if (head?.next === undefined) return head;
  let best = head;
  for (let at = head.next as L | undefined; at !== undefined; at = at.next as L | undefined) {
    if (compareWrites(at, best) > 0) best = at;
  }
  return best;
}

/** The winner of a list, as changes have it. */
export function winnerAmong<V>(list: readonly Entry<V>[]): Entry<V> | undefined {
  let best = list[0];
  for (const each of list) if (best !== undefined && compareWrites(each, best) > 0) best = each;
  return best;
}

export function compareWrites<V>(a: Live<V>, b: Live<V>): number {
  return (
    a.wallMs - b.wallMs ||
    a.counter - b.counter ||
    orderOf(a.strand.id, b.strand.id) ||
    a.sequence - b.sequence
  );
}

export function stampOf<V>({ wallMs, counter, strand }: Live<V>): WriteStamp {
  return { wallMs, counter, node: strand.node, boot: strand.boot };
}

/** Of ids as text, as `<` has it: every node must have the same order, whatever its locale. */
function orderOf(a: string, b: string): number {
  return a < b ? -1 : Number(a > b);
}
