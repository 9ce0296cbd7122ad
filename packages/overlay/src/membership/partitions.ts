/**
 * Partitions: tells a split of the cluster from the death of single nodes.
 *
 * One node that is gone is a death. Many at once are nearly always a split, or a rack: from one side they look the same. So
 * that is told as soon as it is seen, and `healed` when those very starts of nodes are back, which dead ones never are.
 *
 * Invariants: `healed` comes after its `partition`; each node is in at most one open partition.
 */
import type { Clock, Member, MembershipEvent, NodeId, Timer } from "@foundation/core";

export const PARTITION = {
  /** So many nodes, … */
  nodesMin: 2,
  /** … this share of all that were members, … */
  shareMin: 0.25,
  /** … gone within this time, are a partition; and back within it of each other, one heal. */
  windowMs: 10_000,
} as const;

/** What happened to a part of the cluster, as this node sees it. */
export type PartitionEvent =
  /** These nodes are gone at once: cut off, or dead. */
  | { readonly type: "partition"; readonly nodes: readonly Member[] }
  /** These of them are back, the same starts that were gone. */
  | { readonly type: "healed"; readonly nodes: readonly Member[] };

interface Gone {
  readonly node: Member;
  readonly atMs: number;
}

export class Partitions {
  readonly #clock: Clock;
  readonly #members: () => number;
  readonly #tell: (event: PartitionEvent) => void;
  /** Gone lately, and not told of. */
  #gone: Gone[] = [];
  /** Told of as cut off. */
  readonly #away = new Map<NodeId, Member>();
  readonly #back: Member[] = [];
  #timer: Timer | undefined;

  /** @param members how many there are now, this node included */
  constructor(clock: Clock, members: () => number, tell: (event: PartitionEvent) => void) {
    this.#clock = clock;
    this.#members = members;
    this.#tell = tell;
  }

  onEvent(event: MembershipEvent): void {
    const { node } = event;
    if (event.type === "node-down" && event.reason !== "restarted") this.#lost(node);
    else if (event.type === "node-up" || event.type === "node-left") this.#met(event);
  }

  close(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
  }

  #lost(node: Member): void {
    const atMs = this.#clock.now();
    this.#gone = this.#gone.filter((each) => atMs - each.atMs < PARTITION.windowMs);
    // The failure detector finds those of a part one by one.
    if (this.#away.size > 0) return void this.#away.set(node.id, node);
    this.#gone.push({ node, atMs });
    const count = this.#gone.length;
    const before = this.#members() + count;
    if (count < PARTITION.nodesMin || count < before * PARTITION.shareMin) return;
    const nodes = this.#gone.map((each) => each.node);
    this.#gone = [];
    for (const each of nodes) this.#away.set(each.id, each);
    this.#tell({ type: "partition", nodes });
  }

  #met({ node, type }: MembershipEvent): void {
    this.#gone = this.#gone.filter((each) => each.node.id !== node.id);
    const away = this.#away.get(node.id);
    if (away === undefined) return;
    this.#away.delete(node.id);
    if (type === "node-up" && away.boot === node.boot) this.#back.push(node);
    if (this.#back.length === 0) return;
    if (this.#away.size === 0) return this.#healed();
    this.#timer ??= this.#clock.setTimer(PARTITION.windowMs, () => this.#healed());
  }

  /** Who has not come back by then is dead, or cut off by itself. */
  #healed(): void {
    this.close();
    this.#away.clear();
    this.#tell({ type: "healed", nodes: this.#back.splice(0) });
  }
}
