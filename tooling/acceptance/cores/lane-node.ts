/**
 * LaneNode: what a reliable lane is made of, without its link: the flows of both directions, frames, chunks, credit,
 * resumption. One lane to each other node.
 *
 * Messages are numbers in as many bytes as they are given. Some are held for a while before they count as consumed.
 */
import type { CoreAdapter, CoreEvent, CoreHost } from "@foundation/testkit";
import { BatchWriter } from "../../../packages/overlay/src/protocol/batch.js";
import {
  Assembly,
  ChunkedMessage,
} from "../../../packages/overlay/src/protocol/flow/chunked-message.js";
import { ReceiveFlow } from "../../../packages/overlay/src/protocol/flow/receive-flow.js";
import { SendFlow } from "../../../packages/overlay/src/protocol/flow/send-flow.js";
import {
  Flag,
  FrameReader,
  MESSAGE_HEAD_BYTES,
  MessageType,
  readU32,
  writeU32,
} from "../../../packages/overlay/src/protocol/frame.js";

/** Small, so that each of them is met often. */
export const laneLimits = {
  chunkBytes: 256,
  batchBytes: 512,
  windowBytes: 2_048,
  overdraftBytesMax: 1_024,
  retainBytesMax: 3_000,
} as const;
const REDIAL_MS = 40;
/** What a quiet link carries, so that a half-open one is found out: the probes of membership do that. */
const BEAT_MS = 1_000;

export type LaneInput =
  | CoreEvent<Wire>
  | { readonly type: "post"; readonly to: number; readonly number: number; readonly bytes: number }
  /** Gives a node up for good: what is known of its lane is forgotten. */
  | { readonly type: "forget"; readonly peer: number };

/** What is under way between two nodes: the first of a connection, credit, or a data frame. */
export type Wire =
  | {
      readonly type: "resume";
      readonly session: number;
      readonly frames: number;
      readonly windowBytes: number;
    }
  | { readonly type: "window"; readonly frames: number; readonly creditBytes: number }
  | { readonly type: "frame"; readonly bytes: Uint8Array };

type Effect =
  | { readonly type: "send"; readonly to: number; readonly wire: Wire }
  | { readonly type: "dial"; readonly to: number }
  | { readonly type: "timer"; readonly timer: string; readonly delayMs: number };

/** What lanes tell the world's book. */
export interface LaneBook {
  got(from: Start, to: Start, number: number): void;
  /** What was between two starts may be lost. */
  parted(one: Start, other: Start): void;
  wrong(what: string): void;
}

export interface Start {
  readonly node: number;
  readonly boot: number;
}

/** The lane to one start of one node. */
class Lane {
  readonly send = new SendFlow({
    retains: true,
    retainBytesMax: laneLimits.retainBytesMax,
    isFree: false,
  });
  readonly receive: ReceiveFlow;
  readonly assembly = new Assembly();
  readonly reader = new FrameReader();
  readonly whole = new FrameReader();
  readonly batch = new BatchWriter(laneLimits.batchBytes, (frame) => this.send.queue(frame, 1));
  isUp = false;

  constructor(
    readonly boot: number,
    session: number,
  ) {
    this.receive = new ReceiveFlow(session, laneLimits.windowBytes, laneLimits.overdraftBytesMax);
  }
}

export class LaneNode implements CoreAdapter<LaneInput, Effect, Wire> {
  readonly #host: CoreHost<LaneInput, Wire>;
  readonly #book: LaneBook;
  readonly #nodes: number;
  readonly #lanes = new Map<number, Lane>();
  readonly #held = new Map<
    string,
    { readonly peer: number; readonly lane: Lane; readonly bytes: number }
  >();
  #holds = 0;
  #effects: Effect[] = [];

  constructor(host: CoreHost<LaneInput, Wire>, book: LaneBook, nodes: number) {
    this.#host = host;
    this.#book = book;
    this.#nodes = nodes;
  }

  /** The start of a node that this one would send to now. */
  startOf(node: number): Start | undefined {
    const lane = this.#lanes.get(node);
    return lane && { node, boot: lane.boot };
  }

  /** What its lanes have not sent, were not confirmed, or have not consumed. */
  get waiting(): readonly string[] {
    return [...this.#lanes].flatMap(([peer, { send, receive, batch }]) => {
      const bytes = send.queuedBytes + send.retainedBytes + receive.heldBytes + batch.pendingBytes;
      return bytes === 0 ? [] : [`${this.#host.node} has ${bytes} bytes with ${peer}`];
    });
  }

  inputOf(event: CoreEvent<Wire>): LaneInput {
    return event;
  }

  handle(input: LaneInput): readonly Effect[] {
    this.#effects = [];
    switch (input.type) {
      case "start":
        for (let peer = 0; peer < this.#nodes; peer += 1) this.#dialLater(peer);
        this.#beat();
        break;
      case "timer":
        this.#onTimer(input.timer);
        break;
      case "link-up":
        this.#onUp(input.peer, input.peerBoot);
        break;
      case "link-down":
        this.#onDown(input.peer, input.peerBoot);
        break;
      case "dial-failed":
        this.#dialLater(input.peer);
        break;
      case "message":
        this.#onWire(input.from, input.fromBoot, input.message);
        break;
      case "post":
        this.#post(input.to, input.number, input.bytes);
        break;
      case "forget":
        this.#forget(input.peer);
        break;
      default:
    }
    return this.#effects;
  }

  run(effect: Effect): void {
    if (effect.type === "send") this.#host.send(effect.to, effect.wire);
    else if (effect.type === "dial") this.#host.dial(effect.to);
    else this.#host.setTimer(effect.timer, effect.delayMs);
  }

  get #self(): Start {
    return { node: this.#host.node, boot: this.#host.boot };
  }

  #beat(): void {
    for (const [peer, lane] of this.#lanes) {
      if (lane.isUp) this.#tell(peer, { type: "window", ...lane.receive.tell() });
    }
    this.#effects.push({ type: "timer", timer: "beat", delayMs: BEAT_MS });
  }

  #dialLater(peer: number): void {
    // One side dials, as in the overlay.
    if (peer <= this.#host.node) return;
    this.#effects.push({ type: "timer", timer: `dial ${peer}`, delayMs: REDIAL_MS });
  }

  #onTimer(timer: string): void {
    const [what, number] = timer.split(" ");
    if (what === "dial") {
      const peer = Number(number);
      if (this.#lanes.get(peer)?.isUp !== true) this.#effects.push({ type: "dial", to: peer });
      return;
    }
    if (what === "beat") return this.#beat();
    if (what === "turn") {
      const peer = Number(number);
      const lane = this.#lanes.get(peer);
      lane?.batch.seal();
      if (lane !== undefined) this.#pump(peer, lane);
      return;
    }
    const held = this.#held.get(timer);
    if (held === undefined) return;
    this.#held.delete(timer);
    held.lane.receive.release(held.bytes);
    if (this.#lanes.get(held.peer) === held.lane) this.#consumed(held.peer, held.lane);
  }

  #onUp(peer: number, boot: number): void {
    let lane = this.#lanes.get(peer);
    if (lane === undefined || lane.boot !== boot) {
      lane = new Lane(boot, this.#host.random.uint32());
      this.#lanes.set(peer, lane);
    }
    lane.isUp = true;
    lane.send.attach();
    const { session, frames } = lane.receive;
    this.#tell(peer, { type: "resume", session, frames, windowBytes: lane.receive.attach() });
  }

  #onDown(peer: number, boot: number): void {
    const lane = this.#lanes.get(peer);
    if (lane !== undefined && lane.boot === boot && lane.isUp) {
      lane.isUp = false;
      lane.send.detach();
    }
    this.#dialLater(peer);
  }

  #onWire(peer: number, boot: number, wire: Wire): void {
    const lane = this.#lanes.get(peer);
    if (lane === undefined || lane.boot !== boot || !lane.isUp) return;
    if (wire.type === "resume") {
      lane.send.resume(wire.session, wire.frames, wire.windowBytes);
      this.#pump(peer, lane);
    } else if (wire.type === "window") {
      lane.send.window(wire.frames, wire.creditBytes);
      this.#pump(peer, lane);
    } else this.#onFrame(peer, lane, wire.bytes);
  }

  #onFrame(peer: number, lane: Lane, bytes: Uint8Array): void {
    if (!lane.receive.received(bytes.length)) {
      this.#book.wrong(`${peer} sent ${this.#host.node} far more than it may`);
    }
    lane.reader.begin(bytes);
    while (lane.reader.next()) {
      if (lane.reader.type === MessageType.message) this.#got(peer, lane, lane.reader);
      else if (lane.reader.type === MessageType.chunk) this.#onChunk(peer, lane);
      else this.#book.wrong(`${this.#host.node} got a message of type ${lane.reader.type}`);
    }
    this.#consumed(peer, lane);
  }

  #onChunk(peer: number, lane: Lane): void {
    const { reader, whole } = lane;
    const isFirst = (reader.flags & Flag.first) !== 0;
    const message = lane.assembly.add(reader.payload(), reader.requestId, isFirst, 1_000_000);
    if (typeof message === "string") return this.#book.wrong(`a chunk from ${peer}: ${message}`);
    if (message === undefined) return;
    whole.begin(message);
    if (whole.next()) this.#got(peer, lane, whole);
  }

  #got(peer: number, lane: Lane, reader: FrameReader): void {
    const payload = reader.payload();
    const number = readU32(payload, 0);
    const isWhole = payload.every((byte, at) => at < 4 || byte === (number + at) % 256);
    if (!isWhole) this.#book.wrong(`message ${number} from ${peer} came with other bytes`);
    this.#book.got({ node: peer, boot: lane.boot }, this.#self, number);
    if (number % 5 !== 0) return;
    this.#holds += 1;
    const timer = `hold ${this.#holds}`;
    lane.receive.hold(payload.length);
    this.#held.set(timer, { peer, lane, bytes: payload.length });
    this.#effects.push({ type: "timer", timer, delayMs: (number % 7) * 30 });
  }

  /** Credit that is worth a message, or a count: told each time, where the overlay waits a little. */
  #consumed(peer: number, lane: Lane): void {
    if (!lane.isUp) return;
    const isMore = lane.receive.grant() !== undefined;
    if (isMore || lane.receive.owesCount)
      this.#tell(peer, { type: "window", ...lane.receive.tell() });
  }

  #post(to: number, number: number, bytes: number): void {
    const lane = this.#lanes.get(to);
    if (lane === undefined) return;
    const payload = new Uint8Array(4 + bytes);
    for (let at = 4; at < payload.length; at += 1) payload[at] = (number + at) % 256;
    writeU32(payload, 0, number);
    if (payload.length <= laneLimits.chunkBytes) {
      lane.batch.append(MessageType.message, 0, 0, 0, 0, undefined, payload);
      // A turn ends with every third one: frames of several messages.
      if (number % 3 === 0) lane.batch.seal();
      else this.#effects.push({ type: "timer", timer: `turn ${to}`, delayMs: 0 });
    } else {
      lane.batch.seal();
      const head = new Uint8Array(MESSAGE_HEAD_BYTES + 4);
      head[0] = MessageType.message;
      writeU32(head, 2, 4 + payload.length);
      lane.send.queue(ChunkedMessage.of(head, payload, laneLimits.chunkBytes), 1);
    }
    this.#pump(to, lane);
  }

  #pump(peer: number, lane: Lane): void {
    if (!lane.isUp) return;
    for (let frame = lane.send.next(); frame !== undefined; frame = lane.send.next()) {
      this.#tell(peer, { type: "frame", bytes: frame });
    }
  }

  #forget(peer: number): void {
    const lane = this.#lanes.get(peer);
    if (lane === undefined) return;
    this.#book.parted(this.#self, { node: peer, boot: lane.boot });
    this.#lanes.delete(peer);
    this.#host.hangUp(peer);
    this.#dialLater(peer);
  }

  #tell(to: number, wire: Wire): void {
    this.#effects.push({ type: "send", to, wire });
  }
}
