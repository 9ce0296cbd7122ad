/** What a channel promises beyond order and credit, on its pure parts: every interleaving that fast-check finds. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { AckedInbox } from "../../src/protocol/delivery/acked-inbox.js";
import { AckedOutbox } from "../../src/protocol/delivery/acked-outbox.js";
import { FenceGate } from "../../src/protocol/delivery/fence.js";
import { LatestQueue } from "../../src/protocol/delivery/latest.js";
import { ACKED_IN, ACKED_OUT } from "../../src/protocol/delivery/limits.js";

describe("monotonic", () => {
  test("drops only what is stale and always delivers the last", () => {
    const step = fc.oneof(
      fc.record({ key: fc.constantFrom("a", "b", "c", "d"), sizeBytes: fc.nat(40) }),
      fc.constant("take" as const),
    );
    const run = fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const queue = new LatestQueue<{ key: string; number: number }>({ keysMax: 3, bytesMax: 60 });
      const offered = new Map<string, number>();
      const taken = new Map<string, number>();
      let counted = 0;
      let number = 0;
      let accepted = 0;
      const take = () => {
        const message = queue.take();
        if (message === undefined) return false;
        // Values of a key leave in the order they were offered.
        expect(message.number).toBeGreaterThan(taken.get(message.key) ?? 0);
        taken.set(message.key, message.number);
        counted += 1;
        return true;
      };
      for (const one of steps) {
        if (one === "take") {
          take();
          continue;
        }
        number += 1;
        const { key } = one;
        const isWaiting = (offered.get(key) ?? 0) > (taken.get(key) ?? 0);
        const outcome = queue.offer(key, { key, number }, one.sizeBytes);
        if (isWaiting) expect(outcome).toBe("replaced");
        else expect(outcome).not.toBe("replaced");
        if (outcome === "full") continue;
        accepted += 1;
        offered.set(key, number);
        if (outcome === "replaced") counted += 1;
      }
      while (take());
      expect(taken).toEqual(offered);
      // Each accepted message either left or was replaced by a newer one of its key.
      expect(counted).toBe(accepted);
      expect([queue.size, queue.sizeBytes]).toEqual([0, 0]);
    });
    fc.assert(run, { numRuns: 500 });
  });
});

describe("acked", () => {
  test("retransmits and is deduplicated: each message is handled once, whatever is lost or late", () => {
    const fate = fc.record({
      isLost: fc.boolean(),
      delayMs: fc.nat(6_000),
      isAnswerLost: fc.boolean(),
      handlingMs: fc.nat(5_000),
    });
    const run = fc.property(fc.array(fate, { minLength: 1, maxLength: 60 }), (fates) => {
      const outbox = new AckedOutbox({ ...ACKED_OUT });
      const inbox = new AckedInbox({ ...ACKED_IN, idsMax: 5 });
      const events: { at: number; act: () => void }[] = [];
      const at = (time: number, act: () => void) => events.push({ at: time, act });
      const handled = new Map<number, number>();
      const settled = new Map<number, string>();
      let draws = 0;
      const next = () => fates[draws++ % fates.length] as (typeof fates)[number];
      let now = 0;
      const send = (id: number): void => {
        const { isLost, delayMs, isAnswerLost, handlingMs } = next();
        if (isLost) return;
        const answer = (how: "answered" | "unknown") => {
          if (isAnswerLost) return;
          const later = now + delayMs;
          at(later, () => outbox.answered(id, "b") && settled.set(id, how));
        };
        at(now + delayMs, () => {
          const verdict = inbox.begin("boot", id, now);
          if (verdict.type === "answer") answer("answered");
          if (verdict.type === "forgotten") answer("unknown");
          if (verdict.type !== "handle") return;
          handled.set(id, (handled.get(id) ?? 0) + 1);
          at(now + handlingMs, () => {
            inbox.finish("boot", id, undefined, now);
            answer("answered");
          });
        });
      };
      for (let i = 0; i < 10; i += 1) {
        const entry = { id: 0, retries: 0, dueAt: 0, to: "b", wasWritten: true };
        outbox.add(entry, 0, 0.5);
        send(entry.id);
      }
      for (;;) {
        const due = outbox.nextDue();
        events.sort((one, other) => one.at - other.at);
        const first = events[0];
        if (first !== undefined && (due === undefined || first.at <= due)) {
          events.shift();
          now = first.at;
          first.act();
        } else if (due !== undefined) {
          now = due;
          const { repeat, givenUp } = outbox.due(now, () => 0.5);
          for (const { id } of repeat) send(id);
          for (const { id } of givenUp) settled.set(id, "unknown");
        } else {
          break;
        }
      }
      for (const times of handled.values()) expect(times).toBe(1);
      for (const [id, how] of settled) if (how === "answered") expect(handled.get(id)).toBe(1);
      expect(settled.size).toBe(10);
      expect(outbox.size).toBe(0);
    });
    fc.assert(run, { numRuns: 300 });
  });
});

describe("a fence", () => {
  test("lets a message through after everything that was sent before it, on any number of lanes", () => {
    const run = fc.property(
      fc.integer({ min: 1, max: 16 }),
      fc.array(fc.oneof(fc.integer({ min: 0, max: 15 }), fc.constant("fence" as const)), {
        maxLength: 80,
      }),
      fc.infiniteStream(fc.nat()),
      (lanes, sends, picks) => {
        type Sent =
          | { readonly message: number }
          | { readonly mark: number }
          | { readonly fenced: number; readonly after: number };
        const queues: Sent[][] = Array.from({ length: lanes }, () => []);
        let sent = 0;
        let fences = 0;
        for (const send of sends) {
          if (send === "fence") {
            fences += 1;
            for (const queue of queues.slice(1)) queue.push({ mark: fences });
            (queues[0] as Sent[]).push({ fenced: fences, after: sent });
          } else {
            (queues[send % lanes] as Sent[]).push({ message: sent });
            sent += 1;
          }
        }
        const gate = new FenceGate<{ after: number }>();
        const arrived = new Set<number>();
        let delivered = 0;
        const deliver = ({ after }: { after: number }) => {
          delivered += 1;
          for (let number = 0; number < after; number += 1) expect(arrived.has(number)).toBe(true);
        };
        const others = (2 ** lanes - 1) & ~1;
        for (;;) {
          const open = queues.map((queue, lane) => ({ queue, lane })).filter((q) => q.queue.length);
          if (open.length === 0) break;
          const pick = picks.next().value as number;
          const { queue, lane } = open[pick % open.length] as (typeof open)[number];
          const one = queue.shift() as Sent;
          if ("message" in one) arrived.add(one.message);
          else if ("mark" in one) for (const held of gate.passed(lane, one.mark)) deliver(held);
          else if (!gate.hold(one.fenced, others, one, 1)) deliver(one);
        }
        expect(delivered).toBe(fences);
        expect(gate.size).toBe(0);
      },
    );
    fc.assert(run, { numRuns: 500 });
  });
});
