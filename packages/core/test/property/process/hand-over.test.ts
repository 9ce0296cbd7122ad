/**
 * Freezing, thawing and moving a process at any time, under calls and casts: no message is lost, run twice
 * or out of order, and every call is answered exactly once.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { defineProcess } from "../../../src/process/define-process.js";
import type { CallOutcome, Pid } from "../../../src/process/kernel-port.js";
import { world, type World } from "../../unit/process/world.js";

const RUNS = Number(process.env.HAND_OVER_RUNS ?? 150);

/** Remembers in its state what it ran, so that a move that loses or repeats a change shows. */
const journal = defineProcess({
  name: "property.journal",
  init: () => ({ ran: [] as number[] }),
  call: {
    note: ({ state }, id: number) => state.ran.push(id),
    later: async ({ state }, id: number) => {
      await null;
      state.ran.push(id);
      await null;
      return state.ran.length;
    },
  },
  cast: { note: ({ state }, id: number) => void state.ran.push(id) },
});

type Step =
  | { readonly type: "call" | "cast" | "later"; readonly toOld: boolean }
  | { readonly type: "freeze" | "thaw" | "give-up" | "move" | "settle" | "turn" };

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 8,
      arbitrary: fc.record({
        type: fc.constantFrom("call", "cast", "later"),
        toOld: fc.boolean(),
      }),
    },
    {
      weight: 5,
      arbitrary: fc.record({
        type: fc.constantFrom("freeze", "thaw", "give-up", "move", "settle", "turn"),
      }),
    },
  ) as fc.Arbitrary<Step>,
  { maxLength: 60, size: "max" },
);

/** One process that moves from kernel to kernel, and what was sent to it. */
class Wanderer {
  readonly #from: World;
  #at: World;
  readonly first: Pid;
  pid: Pid;
  sent = 0;
  readonly answers = new Map<number, CallOutcome[]>();
  #giveUp = new AbortController();

  constructor(from: World, pid: Pid) {
    this.#from = this.#at = from;
    this.first = this.pid = pid;
  }

  async step(step: Step): Promise<void> {
    switch (step.type) {
      case "call":
      case "later":
      case "cast":
        return this.#send(step.type, step.toOld);
      case "freeze":
        this.#giveUp = new AbortController();
        void this.#at.kernel.freeze(this.pid, { signal: this.#giveUp.signal }).catch(() => {});
        return;
      case "thaw":
        return this.#at.kernel.thaw(this.pid);
      case "give-up":
        return this.#giveUp.abort();
      case "move":
        return this.#move();
      case "settle":
        return this.#at.clock.settle();
      case "turn":
        return Promise.resolve();
    }
  }

  async end(): Promise<unknown> {
    await this.#at.clock.settle();
    this.#at.kernel.thaw(this.pid);
    for (const { clock } of [this.#from, this.#at]) await clock.settle();
    return this.#at.kernel.snapshot(this.pid);
  }

  /** To the first pid, from which it is given on from move to move, or to where it runs. */
  #send(type: "call" | "later" | "cast", toOld: boolean): void {
    const id = this.sent++;
    const [{ kernel }, to] = toOld ? [this.#from, this.first] : [this.#at, this.pid];
    const base = { payload: id, sender: undefined, trace: undefined };
    if (type === "cast") {
      expect(kernel.deliver(to, { type, handler: "note", ...base })).toBe("accepted");
      return;
    }
    const answers: CallOutcome[] = [];
    this.answers.set(id, answers);
    const handler = type === "call" ? "note" : "later";
    const reply = (outcome: CallOutcome) => void answers.push(outcome);
    const call = { type: "call", handler, reply, deadline: undefined, signal: undefined } as const;
    expect(kernel.deliver(to, { ...call, ...base })).toBe("accepted");
  }

  async #move(): Promise<void> {
    const { kernel } = this.#at;
    this.#giveUp.abort();
    kernel.thaw(this.pid);
    const frozen = await kernel.freeze(this.pid);
    const next = world();
    const pid = await next.kernel.spawn(journal, undefined, { install: frozen, passive: true });
    kernel.handOff(this.pid, (message) => {
      expect(next.kernel.deliver(pid, message)).toBe("accepted");
    });
    next.kernel.thaw(pid);
    this.#at = next;
    this.pid = pid;
  }
}

describe("a process that is frozen, thawed and moved at any time", () => {
  test("runs every message once, in the order it was sent, and answers every call once", async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (script) => {
        const from = world();
        const wanderer = new Wanderer(from, await from.kernel.spawn(journal, undefined));
        for (const step of script) await wanderer.step(step);
        const ran = Array.from({ length: wanderer.sent }, (_, id) => id);
        expect(await wanderer.end()).toEqual({ state: { ran }, version: 1 });
        for (const [id, answers] of wanderer.answers) {
          expect(answers).toEqual([{ ok: true, value: id + 1 }]);
        }
      }),
      { numRuns: RUNS },
    );
  });
});
