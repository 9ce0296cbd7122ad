/** Supervision under any order of events: what must always hold, and that it comes to rest. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { coreErrors } from "../../../src/errors/index.js";
import type { ExitReason } from "../../../src/process/kernel-port.js";
import {
  Supervision,
  type RestartPolicy,
  type SupervisionEffect,
  type SupervisionInput,
} from "../../../src/process/protocol/supervision.js";

const CRASH: ExitReason = {
  type: "error",
  error: coreErrors.ERR_HANDLER_FAILED("boom", { thrown: "boom" }),
};
const policies = fc.constantFrom<RestartPolicy>("permanent", "transient", "temporary");
const rules = fc.record({
  strategy: fc.constantFrom("one-for-one", "one-for-all", "rest-for-one"),
  maxRestarts: fc.integer({ min: 0, max: 6 }),
  withinMs: fc.constantFrom(0, 50, 1_000),
  backoffMs: fc.constantFrom(0, 10),
  backoffMsMax: fc.constant(20),
} as const);
/** What happens next: which of the things that can, chosen by number; and how much time passes. */
const steps = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 100 })), { maxLength: 120, size: "max" });

/** The world a supervisor acts on: what runs, and what it has been told to do. */
class World {
  readonly running = new Map<string, "starting" | "up" | "starting-stopped" | "stopping">();
  readonly waiting = new Set<string>();
  readonly restartsAt: number[] = [];
  readonly removed = new Set<string>();
  stopped = false;
  gaveUp = false;

  apply(effect: SupervisionEffect, now: number): void {
    expect(this.stopped && effect.type !== "removed").toBe(false);
    switch (effect.type) {
      case "start-child":
        expect(this.running.has(effect.id)).toBe(false);
        expect(this.gaveUp).toBe(false);
        this.waiting.delete(effect.id);
        this.running.set(effect.id, "starting");
        return;
      case "stop-child": {
        const now_ = this.running.get(effect.id);
        expect(["starting", "up"]).toContain(now_);
        this.running.set(effect.id, now_ === "up" ? "stopping" : "starting-stopped");
        return;
      }
      case "set-backoff":
        this.waiting.add(effect.id);
        return;
      case "restarting":
        this.restartsAt.push(now);
        return;
      case "removed":
        expect(this.running.has(effect.id)).toBe(false);
        this.removed.add(effect.id);
        return;
      case "gave-up":
        this.gaveUp = true;
        return;
      case "stopped":
        expect([...this.running]).toEqual([]);
        this.stopped = true;
        return;
      case "ready":
        return;
    }
  }

  /** Everything that may happen now. */
  possible(): SupervisionInput[] {
    const inputs: SupervisionInput[] = [];
    for (const [id, status] of this.running) {
      if (status === "starting") inputs.push({ type: "started", id }, { type: "start-failed", id });
      if (status === "starting-stopped") inputs.push({ type: "start-failed", id });
      const reasons: ExitReason[] = [CRASH, { type: "normal" }, { type: "name-conflict" }];
      if (status === "starting") continue;
      for (const reason of reasons) inputs.push({ type: "exited", id, reason });
    }
    for (const id of this.waiting) inputs.push({ type: "backoff-over", id });
    return inputs;
  }

  note(input: SupervisionInput): void {
    if (input.type === "started") this.running.set(input.id, "up");
    if (input.type === "start-failed" || input.type === "exited") this.running.delete(input.id);
    if (input.type === "backoff-over") this.waiting.delete(input.id);
  }
}

describe("supervision", () => {
  test("never runs a child twice, keeps the intensity, and stops everything when told", () => {
    fc.assert(
      fc.property(
        rules,
        fc.array(policies, { maxLength: 5 }),
        steps,
        (chosen, restarts, script) => {
          const children = restarts.map((restart, i) => ({
            id: `c${i}`,
            restart,
            dynamic: i % 3 === 2,
          }));
          const supervision = new Supervision(chosen, children);
          const world = new World();
          let now = 0;
          const run = (input: SupervisionInput) => {
            world.note(input);
            for (const effect of supervision.handle(input, now)) world.apply(effect, now);
          };
          run({ type: "start" });
          for (const [choice, passedMs] of script) {
            now += passedMs;
            const outside: SupervisionInput[] = [{ type: "remove", id: `c${choice % 7}` }];
            const fresh = `d${choice}-${now}`;
            if (!supervision.children.some(({ id }) => id === fresh)) {
              const restart = (["permanent", "transient", "temporary"] as const)[choice % 3];
              if (restart) {
                outside.push({ type: "add", child: { id: fresh, restart, dynamic: true } });
              }
            }
            const possible = [...world.possible(), ...outside];
            run(possible[choice % possible.length] as SupervisionInput);
            const recent = world.restartsAt.filter((at) => now - at < chosen.withinMs);
            expect(recent.length).toBeLessThanOrEqual(Math.max(chosen.maxRestarts, 0));
          }
          run({ type: "stop" });
          for (let left = 1_000; !world.stopped && left > 0; left--) {
            const [next] = world.possible();
            expect(next).toBeDefined();
            run(next as SupervisionInput);
          }
          expect(world.stopped).toBe(true);
        },
      ),
      { numRuns: 1_000 },
    );
  });

  test("when everything starts well from now on, every wanted child ends up running", () => {
    fc.assert(
      fc.property(
        rules,
        fc.integer({ min: 1, max: 5 }),
        fc.array(fc.nat(), { maxLength: 6 }),
        (chosen, count, failures) => {
          const children = Array.from({ length: count }, (_, i) => ({
            id: `c${i}`,
            restart: "permanent" as const,
            dynamic: false,
          }));
          const supervision = new Supervision({ ...chosen, maxRestarts: 100 }, children);
          const world = new World();
          const run = (input: SupervisionInput) => {
            world.note(input);
            for (const effect of supervision.handle(input, 0)) world.apply(effect, 0);
          };
          const settle = () => {
            for (let left = 1_000; left > 0; left--) {
              const next = world.possible().find((input) => {
                if (input.type === "started" || input.type === "backoff-over") return true;
                const status = "id" in input ? world.running.get(input.id) : undefined;
                return status === "stopping" || status === "starting-stopped";
              });
              if (next === undefined) return;
              run(next);
            }
          };
          run({ type: "start" });
          settle();
          for (const failure of failures) {
            const id = `c${failure % count}`;
            if (world.running.get(id) === "up") run({ type: "exited", id, reason: CRASH });
            if (failure % 2 === 0) settle();
          }
          settle();
          for (const { status } of supervision.children) expect(status).toBe("up");
          expect(supervision.children).toHaveLength(count);
        },
      ),
      { numRuns: 500 },
    );
  });
});
