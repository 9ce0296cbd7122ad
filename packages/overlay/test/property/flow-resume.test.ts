/**
 * Two ends of one lane over connections that break anywhere: what is promised of it holds for every
 * schedule of writing, carrying, counting, breaking and forgetting.
 */
import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { Assembly, ChunkedMessage } from "../../src/protocol/flow/chunked-message.js";
import { ReceiveFlow } from "../../src/protocol/flow/receive-flow.js";
import { SendFlow } from "../../src/protocol/flow/send-flow.js";
import { Flag, FrameKind, FrameReader, MessageType, writeU32 } from "../../src/protocol/frame.js";
import { BatchWriter } from "../../src/protocol/batch.js";

const CHUNK = 64;

/** One lane between two ends; a connection is the frames that are under way in it. */
class Lane {
  readonly send;
  receive = new ReceiveFlow(1, 200, 1_000);
  readonly delivered: number[] = [];
  /** What was given up because the receiver had forgotten. */
  lost = 0;
  #sessions = 1;
  #sent = 0;
  #wire: Uint8Array[] | undefined;
  #assembly = new Assembly();
  readonly #writer: BatchWriter;

  constructor(private readonly retains: boolean) {
    this.send = new SendFlow({ retains, retainBytesMax: 300, isFree: false });
    this.#writer = new BatchWriter(120, (frame) => this.send.queue(frame, 1));
  }

  get accepted(): number {
    return this.#sent;
  }

  /** Sends the next number, in a message of a given size. */
  post(bytes: number): void {
    const payload = new Uint8Array(bytes + 4);
    writeU32(payload, 0, this.#sent);
    this.#sent += 1;
    if (payload.length <= CHUNK) {
      this.#writer.append(MessageType.message, 0, 9, 0, 0, undefined, payload);
      return;
    }
    const head = new Uint8Array(10);
    head[0] = MessageType.message;
    writeU32(head, 2, 4 + payload.length);
    this.#writer.seal();
    this.send.queue(ChunkedMessage.of(head, payload, CHUNK), 1);
  }

  connect(): void {
    this.break();
    this.#wire = [];
    if (!this.retains) this.#assembly.clear();
    const { session, frames } = this.receive;
    const credit = this.receive.attach();
    this.send.attach();
    this.lost += this.send.resume(session, frames, credit);
  }

  /** What is under way is gone. */
  break(): void {
    this.#wire = undefined;
    this.send.detach();
  }

  /** The receiver has forgotten everything about this lane. */
  forget(): void {
    this.break();
    this.#sessions += 1;
    this.receive = new ReceiveFlow(this.#sessions, 200, 1_000);
    this.#assembly = new Assembly();
  }

  write(): void {
    this.#writer.seal();
    if (this.#wire === undefined) return;
    for (let frame = this.send.next(); frame !== undefined; frame = this.send.next()) {
      this.#wire.push(frame);
    }
  }

  /** The next frame arrives. */
  carry(tellsCount: boolean): void {
    const frame = this.#wire?.shift();
    if (frame === undefined) return;
    expect(this.receive.received(frame.length)).toBe(true);
    this.#read(frame);
    if (this.receive.grant() !== undefined || tellsCount) {
      const { frames, creditBytes } = this.receive.tell();
      this.send.window(frames, creditBytes);
    }
  }

  #read(frame: Uint8Array): void {
    const reader = new FrameReader();
    reader.begin(frame);
    while (reader.next()) {
      expect(reader.kind).toBe(FrameKind.data);
      if (reader.type !== MessageType.chunk) {
        this.delivered.push(new DataView(reader.payload().slice().buffer).getUint32(0, true));
        continue;
      }
      const first = (reader.flags & Flag.first) !== 0;
      const whole = this.#assembly.add(reader.payload(), reader.requestId, first, 10_000);
      expect(typeof whole).not.toBe("string");
      if (whole instanceof Uint8Array) this.#read(whole);
    }
  }
}

type Step = {
  readonly do: "post" | "write" | "carry" | "tell" | "connect" | "break" | "forget";
} & {
  readonly bytes: number;
};

const steps = (kinds: readonly Step["do"][]) =>
  fc.array(fc.record({ do: fc.constantFrom(...kinds), bytes: fc.nat(200) }), { maxLength: 300 });

const play = (lane: Lane, script: readonly Step[]) => {
  for (const step of script) {
    if (step.do === "post") lane.post(step.bytes);
    else if (step.do === "carry") lane.carry(false);
    else if (step.do === "tell") lane.carry(true);
    else lane[step.do]();
  }
};
const drain = (lane: Lane) => {
  lane.connect();
  for (let i = 0; i < 5_000 && (lane.send.hasWaiting || i < 3_000); i += 1) {
    lane.write();
    lane.carry(true);
  }
};
const usual: Step["do"][] = ["post", "post", "post", "write", "write", "carry", "carry", "tell"];
const isRising = (numbers: readonly number[]) =>
  numbers.every((n, i) => i === 0 || n > (numbers[i - 1] as number));

describe("a lane over connections that break", () => {
  test("that retains delivers every message exactly once and in order", () => {
    fc.assert(
      fc.property(steps([...usual, "connect", "break"]), (script) => {
        const lane = new Lane(true);
        play(lane, script);
        drain(lane);
        expect(lane.delivered).toEqual([...Array(lane.accepted).keys()]);
        expect([lane.lost, lane.send.retainedBytes, lane.send.queuedBytes]).toEqual([0, 0, 0]);
      }),
      { numRuns: 300 },
    );
  });

  test("that keeps nothing delivers at most once and in order, and all after the last break", () => {
    fc.assert(
      fc.property(steps([...usual, "connect", "break"]), (script) => {
        const lane = new Lane(false);
        play(lane, script);
        const before = lane.accepted;
        lane.connect();
        for (let n = 0; n < 10; n += 1) lane.post(n * 20);
        drain(lane);
        expect(isRising(lane.delivered)).toBe(true);
        expect(lane.delivered.filter((n) => n >= before)).toHaveLength(10);
      }),
      { numRuns: 300 },
    );
  });

  test("delivers at most once and in order also when the receiver forgets, and says what is lost", () => {
    fc.assert(
      fc.property(steps([...usual, "connect", "break", "forget"]), (script) => {
        const lane = new Lane(true);
        play(lane, script);
        drain(lane);
        expect(isRising(lane.delivered)).toBe(true);
        if (lane.lost === 0) expect(lane.delivered).toHaveLength(lane.accepted);
      }),
      { numRuns: 300 },
    );
  });
});
