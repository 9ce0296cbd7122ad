/** CoreBench: one broadcast core with its timers in virtual time, and what it did. */
import type { Boot, NodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type { PlumtreeEffect, PlumtreeInput } from "../../../../src/protocol/plumtree/effects.js";
import type { Gossip, PlumtreeMessage, Run } from "../../../../src/protocol/plumtree/messages.js";
import { Plumtree, type PlumtreeOptions } from "../../../../src/protocol/plumtree/plumtree.js";
import { bootOf, idOf } from "../../../support/membership-entries.js";

type Message = PlumtreeMessage<string>;
type Options = Partial<PlumtreeOptions<string>> & {
  /** Leave it as a node that has just begun. */
  readonly fresh?: boolean;
};

export const self = { id: idOf(1), boot: bootOf(1) };
/** Neighbours in most tests. */
export const [b, c, d, e] = [idOf(2), idOf(3), idOf(4), idOf(5)] as const;
/** A node somewhere else that broadcasts. */
export const origin = { origin: idOf(100), boot: bootOf(7) };

export class CoreBench {
  readonly core: Plumtree<string>;
  now = 0;
  /** All effects since the last `clear`. */
  effects: PlumtreeEffect<string>[] = [];
  readonly timers = new Map<string, number>();

  /** A core with these neighbours, all eager, that knows where sources are. */
  constructor(neighbors: readonly NodeId[], options: Options = {}) {
    const { fresh = false, ...rest } = options;
    this.core = new Plumtree<string>({
      self,
      random: seededRandom(1),
      sizeOf: (payload) => payload.length,
      ...rest,
    });
    this.feed({ type: "start" });
    for (const id of neighbors) this.feed({ type: "neighbor-up", id });
    if (!fresh) this.receive(idOf(999), digestOf([]));
    this.clear();
  }

  feed(input: PlumtreeInput<string>): void {
    for (const effect of this.core.handle(input, this.now)) {
      this.effects.push(effect);
      if (effect.type === "set-timer") this.timers.set(effect.timer, this.now + effect.delayMs);
    }
  }

  receive(from: NodeId, ...messages: readonly Message[]): void {
    for (const message of messages) this.feed({ type: "message", from, message });
  }

  /** Lets time pass; timers fire when they are due. */
  advance(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const [timer, due] = [...this.timers].sort((x, y) => x[1] - y[1])[0] ?? ["", Infinity];
      if (due > end) break;
      this.now = Math.max(this.now, due);
      this.timers.delete(timer);
      this.feed({ type: "timer", timer });
    }
    this.now = end;
  }

  /** Time passes, and no timer fires until it is over: a paused process. */
  pause(ms: number): void {
    this.now += ms;
    this.advance(0);
  }

  clear(): void {
    this.effects = [];
  }

  /** What was sent to a neighbour, of one type if given. */
  sentTo<Type extends Message["type"]>(
    to: NodeId,
    type: Type,
  ): (Message & { readonly type: Type })[] {
    return this.effects
      .filter((effect) => effect.type === "send")
      .filter((effect) => effect.to === to)
      .map(({ message }) => message)
      .filter((message): message is Message & { readonly type: Type } => message.type === type);
  }

  /** To whom messages of this type were sent, in order. */
  receiversOf(type: Message["type"]): NodeId[] {
    return this.effects
      .filter((effect) => effect.type === "send")
      .filter(({ message }) => message.type === type)
      .map(({ to }) => to);
  }

  /** The sequence numbers that were delivered, in order. */
  delivered(): number[] {
    return this.effects.filter((effect) => effect.type === "deliver").map(({ seq }) => seq);
  }

  counted(counter: string): number {
    let sum = 0;
    for (const effect of this.effects) {
      if (effect.type === "count" && effect.counter === counter) sum += effect.amount ?? 1;
    }
    return sum;
  }
}

/** Message `seq` of the other node, as it comes from a neighbour three links from it. */
export function gossip(seq: number, change: Partial<Gossip<string>> = {}): Gossip<string> {
  const payload = `payload ${seq}`;
  return {
    type: "gossip",
    ...origin,
    seq,
    hop: 3,
    back: seq - 1,
    beside: false,
    payload,
    ...change,
  };
}

/** Messages `lo` to `hi` of the other node. */
export function run(lo: number, hi = lo, hop = 3): Run {
  return { ...origin, lo, hi, hop };
}

/** A run of another source. */
export function runOf(source: { origin: NodeId; boot: Boot }, lo: number, hi = lo, hop = 3): Run {
  return { ...source, lo, hi, hop };
}

export function have(...runs: readonly Run[]): Message {
  return { type: "have", runs };
}

export function graft(eager: boolean, ...runs: readonly Run[]): Message {
  return { type: "graft", eager, runs };
}

export function digestOf(
  runs: readonly Run[],
  change: Partial<Record<"ask" | "more" | "fresh" | "seeking", boolean>> = {},
): Message {
  return { type: "digest", ask: false, more: false, fresh: false, seeking: false, runs, ...change };
}

/** Makes the first neighbour's link lazy: a second copy of message `seq` comes on it. */
export function makeLazy(bench: CoreBench, lazy: NodeId, parent: NodeId, seq: number): void {
  bench.receive(parent, gossip(seq));
  bench.receive(lazy, gossip(seq));
  bench.advance(20);
  bench.clear();
}
