/**
 * One HyParView core on a bench: feeds it inputs, keeps the time, sorts its effects. Node numbers
 * stand for ids; the core's own is 0.
 */
import type { NodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type {
  HyParViewCounter,
  HyParViewEffect,
  HyParViewInput,
} from "../../../../src/protocol/hyparview/effects.js";
import { HyParView, type HyParViewOptions } from "../../../../src/protocol/hyparview/hyparview.js";
import type { HyParViewMessage, MessageOf } from "../../../../src/protocol/hyparview/messages.js";
import { idOf } from "../../../support/membership-entries.js";

export type BenchOptions = Partial<Omit<HyParViewOptions, "self" | "random">> & {
  readonly seed?: number;
};

export class Bench {
  readonly core: HyParView;
  now = 0;
  effects: HyParViewEffect[] = [];
  readonly #due = new Map<string, number>();
  /** What the other nodes number their agreements with. */
  #nr = 100;

  constructor({ seed = 1, ...options }: BenchOptions = {}) {
    this.core = new HyParView({ self: idOf(0), random: seededRandom(seed), ...options });
    this.feed({ type: "start" });
    this.clear();
  }

  feed(input: HyParViewInput): readonly HyParViewEffect[] {
    const effects = this.core.handle(input, this.now);
    for (const effect of effects) {
      if (effect.type === "set-timer") this.#due.set(effect.timer, this.now + effect.delayMs);
      if (effect.type === "cancel-timer") this.#due.delete(effect.timer);
    }
    this.effects.push(...effects);
    return effects;
  }

  /** Lets time pass; timers fire when they are due. */
  run(ms: number): this {
    const end = this.now + ms;
    for (;;) {
      const [next] = [...this.#due].sort((a, b) => a[1] - b[1]);
      if (!next || next[1] > end) break;
      this.now = Math.max(this.now, next[1]);
      this.#due.delete(next[0]);
      this.feed({ type: "timer", timer: next[0] });
    }
    this.now = end;
    return this;
  }

  /** Lets time pass until the node has dialled somebody; whom. */
  runUntilDial(): number {
    for (let step = 0; step < 1_000 && this.dialled().length === 0; step += 1) this.run(100);
    return this.dialled()[0] ?? NaN;
  }

  clear(): this {
    this.effects = [];
    return this;
  }

  join(...contacts: number[]): this {
    this.feed({ type: "join", contacts: contacts.map(idOf) });
    return this;
  }

  linkUp(...numbers: number[]): this {
    for (const number of numbers) this.feed({ type: "link-up", id: idOf(number) });
    return this;
  }

  linkDown(number: number): this {
    this.feed({ type: "link-down", id: idOf(number) });
    return this;
  }

  tell(from: number, message: HyParViewMessage): this {
    this.feed({ type: "message", from: idOf(from), message });
    return this;
  }

  /** The node links itself and asks; its number is returned. */
  request(from: number, why: MessageOf<"neighbor">["why"]): number {
    this.linkUp(from);
    const nr = (this.#nr += 1);
    this.tell(from, { type: "neighbor", nr, why });
    return nr;
  }

  /** Makes neighbours of these nodes, by their own requests. */
  befriend(...numbers: number[]): this {
    for (const number of numbers) this.request(number, "low");
    return this.clear();
  }

  /** Accepts the last request that was sent to the node. */
  accept(from: number, evicted?: number): this {
    const request = this.sent(from).findLast(({ type }) => type === "neighbor" || type === "join");
    const to = request && "nr" in request ? request.nr : 0;
    const nr = (this.#nr += 1);
    const id = evicted === undefined ? undefined : idOf(evicted);
    return this.tell(from, { type: "accept", nr, to, evicted: id });
  }

  /** Refuses the last request that was sent to the node. */
  refuse(from: number, ...alternatives: number[]): this {
    const request = this.sent(from).findLast(({ type }) => type === "neighbor" || type === "join");
    const to = request && "nr" in request ? request.nr : 0;
    return this.tell(from, { type: "refuse", to, alternatives: alternatives.map(idOf) });
  }

  /** Ends the edge from the other side, which has seen everything. */
  disconnect(from: number, change: Partial<MessageOf<"disconnect">> = {}): this {
    const seen = Number.MAX_SAFE_INTEGER;
    const message = { type: "disconnect", alive: true, seen, next: undefined } as const;
    return this.tell(from, { ...message, alternatives: [], ...change });
  }

  /** What was sent to the node since the last `clear`. */
  sent(to: number): HyParViewMessage[] {
    return this.effects.flatMap((each) =>
      each.type === "send" && each.to === idOf(to) ? [each.message] : [],
    );
  }

  sentOf<Type extends HyParViewMessage["type"]>(to: number, type: Type): MessageOf<Type>[] {
    return this.sent(to).filter((message): message is MessageOf<Type> => message.type === type);
  }

  /** To whom messages of a type were sent. */
  receivers(type: HyParViewMessage["type"]): number[] {
    return this.effects.flatMap((each) =>
      each.type === "send" && each.message.type === type ? [numberOf(each.to)] : [],
    );
  }

  dialled(): number[] {
    return this.effects.flatMap((each) => (each.type === "connect" ? [numberOf(each.to)] : []));
  }

  released(): number[] {
    return this.effects.flatMap((each) => (each.type === "release" ? [numberOf(each.to)] : []));
  }

  /** Neighbour events in order: the number for up, the negated number for down. */
  neighborEvents(): number[] {
    return this.effects.flatMap((each) => {
      if (each.type === "neighbor-up") return [numberOf(each.id)];
      return each.type === "neighbor-down" ? [-numberOf(each.id)] : [];
    });
  }

  counted(counter: HyParViewCounter): number {
    return this.effects.filter((each) => each.type === "count" && each.counter === counter).length;
  }

  active(): number[] {
    return this.core.active.map(numberOf);
  }

  passive(): number[] {
    return this.core.passive.map(numberOf).sort((a, b) => a - b);
  }
}

export function numberOf(id: NodeId): number {
  return Number.parseInt(id, 16);
}
