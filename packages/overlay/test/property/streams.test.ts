/** Both ends of a byte stream under random schedules, against a model: the bytes themselves. */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { InboundStream } from "../../src/protocol/streams/inbound-stream.js";
import { OutboundStream, STOP } from "../../src/protocol/streams/outbound-stream.js";
import { PieceGatherer } from "../../src/protocol/streams/piece-gatherer.js";
import { WindowBudget, WindowTuner } from "../../src/protocol/streams/window-tuner.js";

const KIB = 1024;
const PIECE_BYTES_MAX = 8 * KIB;
const BUDGET_BYTES = 96 * KIB;

type Step =
  | { readonly do: "read"; readonly bytes: number }
  | { readonly do: "send" | "deliver" | "take" | "tell" | "leave" | "abort" }
  | { readonly do: "pass"; readonly ms: number };

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({
        do: fc.constant("read" as const),
        bytes: fc.oneof(fc.integer({ min: 1, max: 64 }), fc.integer({ min: 1, max: 20 * KIB })),
      }),
    },
    { weight: 8, arbitrary: fc.constant({ do: "send" as const }) },
    { weight: 8, arbitrary: fc.constant({ do: "deliver" as const }) },
    { weight: 8, arbitrary: fc.constant({ do: "take" as const }) },
    { weight: 6, arbitrary: fc.constant({ do: "tell" as const }) },
    {
      weight: 3,
      arbitrary: fc.record({
        do: fc.constant("pass" as const),
        ms: fc.integer({ min: 0, max: 40 }),
      }),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom({ do: "leave" as const }, { do: "abort" as const }),
    },
  ),
  { minLength: 20, maxLength: 200 },
);

/** Both ends, the wires between them, and the model: what was read and what was taken. */
class World {
  readonly budget = new WindowBudget(BUDGET_BYTES);
  readonly windowBytes: number;
  readonly out: OutboundStream;
  readonly inbound: InboundStream;
  readonly gatherer = new PieceGatherer();
  /** Under way to the receiver, and back. */
  readonly pieces: (Uint8Array | { readonly totalBytes: number } | "cancel")[] = [];
  readonly grants: number[] = [];
  readonly read: Uint8Array[] = [];
  readonly taken: Uint8Array[] = [];
  nowMs = 0;
  left = false;
  aborted = false;
  #next = 0;

  constructor(windowBytes: number) {
    this.windowBytes = windowBytes;
    this.out = new OutboundStream(windowBytes, PIECE_BYTES_MAX);
    const options = { initialBytes: windowBytes, bytesMax: 8 * windowBytes, roundTripMsMin: 0.5 };
    this.inbound = new InboundStream(new WindowTuner(options, this.budget));
  }

  step(step: Step): void {
    switch (step.do) {
      case "read":
        return this.#read(step.bytes);
      case "send":
        return void this.send();
      case "deliver":
        return void this.deliver();
      case "take":
        return void this.take();
      case "tell":
        return void this.tell();
      case "pass":
        this.nowMs += step.ms;
        return;
      case "leave":
        this.left = true;
        this.inbound.discard();
        this.grants.push(STOP);
        return;
      case "abort":
        if (this.aborted) return;
        this.aborted = true;
        this.out.close();
        this.pieces.push("cancel");
        return;
    }
  }

  #read(bytes: number): void {
    if (!this.gatherer.wantsMore || this.out.creditBytes === 0) return;
    const piece = new Uint8Array(bytes);
    for (let i = 0; i < bytes; i += 1) piece[i] = (this.#next += 7) & 0xff;
    this.read.push(piece.slice());
    this.gatherer.add(piece);
    // Small pieces are copied: their memory is used again.
    if (this.gatherer.wantsMore) piece.fill(0);
  }

  send(): boolean {
    const bytes = this.out.pieceBytes(this.gatherer.sizeBytes);
    if (bytes === 0) return false;
    const piece = this.gatherer.next(bytes).slice();
    this.out.sent(piece.length);
    this.pieces.push(piece);
    return true;
  }

  deliver(): boolean {
    const arrived = this.pieces.shift();
    if (arrived === undefined) return false;
    if (arrived === "cancel") this.inbound.discard();
    else if ("totalBytes" in arrived) expect(this.inbound.end(arrived.totalBytes)).toBe(true);
    else expect(this.inbound.receive(arrived)).toBe(this.inbound.isOver ? "dropped" : "kept");
    return true;
  }

  take(): boolean {
    const piece = this.inbound.take();
    if (piece === undefined) return false;
    this.taken.push(piece);
    const total = this.inbound.grant(piece.length, this.nowMs, 10);
    if (total !== undefined) this.grants.push(total);
    return true;
  }

  tell(): boolean {
    const total = this.grants.shift();
    if (total === undefined) return false;
    this.out.granted(total);
    return true;
  }

  /** What does not hold now; undefined: all is well. */
  broken(): string | undefined {
    const { budget, inbound, out } = this;
    if (out.creditBytes < 0) return "credit below 0";
    if (inbound.heldBytes > 8 * this.windowBytes) return "more held than the largest window";
    if (budget.takenBytes > BUDGET_BYTES) return "more taken than the budget has";
    if (out.sentBytes > inbound.grantedBytes) return "more sent than granted";
    return undefined;
  }

  /** What was taken is the beginning of what was read. */
  isPrefix(): boolean {
    const taken = Buffer.concat(this.taken);
    return Buffer.concat(this.read).subarray(0, taken.length).equals(taken);
  }
}

describe("a byte stream under any schedule of pieces, credit and aborts", () => {
  const windows = fc.constantFrom(4 * KIB, 16 * KIB, 64 * KIB);

  test("hands over a prefix of the source in order, within the credit, and stops when it shall", () => {
    const property = fc.property(windows, steps, (windowBytes, schedule) => {
      const world = new World(windowBytes);
      for (const step of schedule) {
        const tookBefore = world.taken.length;
        world.step(step);
        expect(world.broken()).toBeUndefined();
        if (world.left) expect(world.taken.length).toBe(tookBefore);
      }
      expect(world.isPrefix()).toBe(true);
      world.inbound.close();
      expect(world.budget.takenBytes).toBe(0);
    });
    fc.assert(property, { numRuns: 150 });
  });

  test("ends with all of the source once everything under way has arrived", () => {
    const property = fc.property(windows, steps, (windowBytes, schedule) => {
      const world = new World(windowBytes);
      const isCalm = (step: Step) => step.do !== "leave" && step.do !== "abort";
      for (const step of schedule.filter(isCalm)) world.step(step);
      // Nothing gets stuck: some part can always act until all has been handed over.
      while (world.send() || world.deliver() || world.take() || world.tell())
        expect(world.broken()).toBeUndefined();
      expect(world.gatherer.sizeBytes).toBe(0);
      world.pieces.push({ totalBytes: world.out.end() });
      world.deliver();
      expect(Buffer.concat(world.taken).equals(Buffer.concat(world.read))).toBe(true);
      expect(world.inbound.heldBytes).toBe(0);
    });
    fc.assert(property, { numRuns: 150 });
  });
});
