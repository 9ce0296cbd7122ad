/**
 * One membership core on a bench: feeds it inputs, keeps the time, sorts its effects. Node numbers
 * stand for ids.
 */
import type { MembershipEvent } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type { MembershipEffect, MembershipInput } from "../../src/protocol/membership/effects.js";
import {
  MembershipCore,
  type MembershipCoreOptions,
} from "../../src/protocol/membership/membership.js";
import type { MembershipMessage } from "../../src/protocol/membership/messages.js";
import { addressOf, bootOf, entryOf, idOf, wireOf } from "./membership-entries.js";

type EffectOf<Type extends MembershipEffect["type"]> = MembershipEffect & { type: Type };

interface BenchOptions {
  readonly roles?: readonly string[];
  readonly topology?: MembershipCoreOptions["topology"];
}

export class MembershipBench {
  readonly core: MembershipCore;
  now = 0;
  effects: MembershipEffect[] = [];
  readonly #due = new Map<string, number>();

  constructor(number = 1, seed = 1, { roles = [], topology = "auto" }: BenchOptions = {}) {
    const { id, boot, address, name, labels } = entryOf(number);
    const self = { id, boot, address, name, roles, labels };
    this.core = new MembershipCore({ self, random: seededRandom(seed), topology });
    this.feed({ type: "start" });
  }

  feed(input: MembershipInput): MembershipEffect[] {
    const effects = this.core.handle(input, this.now);
    for (const effect of effects) {
      if (effect.type === "set-timer") this.#due.set(effect.timer, this.now + effect.delayMs);
      if (effect.type === "cancel-timer") this.#due.delete(effect.timer);
    }
    this.effects.push(...effects);
    return effects;
  }

  /** Lets time pass; timers fire when they are due. */
  run(ms: number): void {
    const end = this.now + ms;
    for (;;) {
      const [next] = [...this.#due].sort((a, b) => a[1] - b[1]);
      if (!next || next[1] > end) break;
      this.now = Math.max(this.now, next[1]);
      this.#due.delete(next[0]);
      this.feed({ type: "timer", timer: next[0] });
    }
    this.now = end;
  }

  /** Lets time pass in which nothing runs, then fires what is overdue: a paused process. */
  freeze(ms: number): void {
    this.now += ms;
    this.run(0);
  }

  linkUp(number: number, boot = 1): void {
    const [id, address] = [idOf(number), addressOf(number)];
    this.feed({ type: "link-up", id, boot: bootOf(boot), address, name: `n${number}` });
  }

  linkDown(number: number, boot = 1, reason: "lost" | "closed" = "lost"): void {
    this.feed({ type: "link-down", id: idOf(number), boot: bootOf(boot), reason });
  }

  refused(number: number): void {
    this.feed({ type: "dial-refused", id: idOf(number), address: addressOf(number) });
  }

  tell(from: number, message: MembershipMessage, boot = 1): void {
    this.feed({ type: "message", from: idOf(from), boot: bootOf(boot), message });
  }

  /** Brings the nodes up as members with links. */
  meet(...numbers: readonly number[]): this {
    for (const number of numbers) {
      this.linkUp(number);
      this.tell(number, { type: "updates", entries: [wireOf(number)] });
    }
    this.clear();
    return this;
  }

  suspect(from: number, of: number, refused: boolean, incarnation = 0): void {
    const claim = { id: idOf(of), boot: bootOf(1), incarnation };
    this.tell(from, { type: "suspect", ...claim, from: idOf(from), refused });
  }

  clear(): void {
    this.effects = [];
  }

  of<Type extends MembershipEffect["type"]>(type: Type): EffectOf<Type>[] {
    return this.effects.filter((effect): effect is EffectOf<Type> => effect.type === type);
  }

  /** The events as text: `node-up 2`. */
  events(): string[] {
    return this.of("event").map(({ event }) => describe(event));
  }

  sent(to: number, type?: MembershipMessage["type"]): MembershipMessage[] {
    return this.of("send")
      .filter((effect) => effect.to === idOf(to) && (!type || effect.message.type === type))
      .map((effect) => effect.message);
  }

  members(): number[] {
    return this.core.members().map((member) => Number.parseInt(member.id, 16));
  }
}

function describe(event: MembershipEvent): string {
  return `${event.type} ${Number.parseInt(event.node.id, 16)}`;
}
