/**
 * LinkInflow: what a link receives: the count its peer goes on from, the credit it is given, and how
 * much of a turn it may take.
 *
 * Invariants: every data frame is counted once, and given back once; `coordination` gives no credit
 * and tells no count.
 */
import type { Connection, Timer } from "@foundation/core";
import { FAIR, FLOW } from "../limits.js";
import { Assembly } from "../protocol/flow/chunked-message.js";
import { resumeBytes, windowBytes } from "../protocol/flow/messages.js";
import { ReceiveFlow } from "../protocol/flow/receive-flow.js";
import { FrameReader, MessageType } from "../protocol/frame.js";
import { WindowTuner } from "../protocol/streams/window-tuner.js";
import type { LinkCounters } from "./link-stats.js";
import { LinkTurns } from "./link-turns.js";
import type { LinkWorld } from "./link-world.js";
import type { Peer } from "./peer.js";

/** The rest of the link, as its inflow needs it. */
export interface InflowLink {
  readonly peer: Peer;
  readonly counters: LinkCounters;
  /** Membership's own: without flow control. */
  readonly isFree: boolean;
  /** Whether this side repeats what may be lost: it says so when it resumes. */
  readonly retains: boolean;
  /** What waits for the peer. */
  readonly queuedBytes: number;
  postControl(type: MessageType, requestId: number, payload: Uint8Array): void;
  /** Has the link flushed when the turn ends. */
  arm(): void;
}

/** What outlives a link of what it has received. */
export interface KeptInflow {
  readonly receive: ReceiveFlow;
  /** A large message of which some has come. */
  readonly assembly: Assembly;
}

export class LinkInflow {
  /**
   * Decodes this link's frames; one for each link, because handlers may run while it is in the
   * middle of a frame. The other reads messages that came in chunks.
   */
  readonly reader = new FrameReader();
  wholeReader: FrameReader | undefined;
  readonly assembly: Assembly;

  readonly #link: InflowLink;
  readonly #world: LinkWorld;
  readonly #receive: ReceiveFlow;
  readonly #isGrowing: boolean;
  #initialBytes: number;
  readonly #turns = new LinkTurns();
  #connection: Connection | undefined;
  #tuner: WindowTuner | undefined;
  #peerWantsCounts = false;
  /** A count is to be told, should no credit be told before. */
  #countTimer: Timer | undefined;
  #withheldBytes = 0;
  #withheldTimer: Timer | undefined;

  /** @param initialBytes what the peer may send before any of it was consumed */
  constructor(link: InflowLink, initialBytes: number, world: LinkWorld, kept?: KeptInflow) {
    this.#link = link;
    this.#world = world;
    this.#initialBytes = initialBytes;
    this.#isGrowing = world.preset.windowGrowthMax > 1;
    this.#receive =
      kept?.receive ?? new ReceiveFlow(world.random.uint32(), initialBytes, FLOW.overdraftBytesMax);
    this.assembly = kept?.assembly ?? new Assembly();
    link.peer.assemblyBytes += this.assembly.sizeBytes;
    // What was held on a link before this one is released here: the same count goes on.
    this.#receive.onReleased = () => this.#consumed();
  }

  get receive(): ReceiveFlow {
    return this.#receive;
  }

  /** A connection is there: tells the peer where to go on, and what it may send to begin with. */
  attach(connection: Connection): void {
    this.#connection = connection;
    if (this.#link.isFree) return;
    const { session, frames } = this.#receive;
    const payload = resumeBytes(session, frames, this.#receive.attach(), this.#link.retains);
    this.#link.postControl(MessageType.resume, 0, payload);
  }

  /** The connection is gone. */
  detach(): void {
    this.#connection = undefined;
    this.#countTimer?.cancel();
    this.#countTimer = undefined;
    this.#release();
  }

  /** The peer has said whether it keeps what it sends until that was counted. */
  peerResumed(wantsCounts: boolean): void {
    this.#peerWantsCounts = wantsCounts;
    if (wantsCounts) return;
    // Who keeps nothing does not finish what it had begun.
    this.#link.peer.assemblyBytes -= this.assembly.sizeBytes;
    this.assembly.clear();
  }

  /** The peer keeps what it sends from now on: its channel was configured after it was opened. */
  peerRetains(): void {
    this.#peerWantsCounts = true;
  }

  /** The channel has been configured: other windows, and perhaps what is sent is to be counted. */
  configure(bytes: number): void {
    this.#initialBytes = bytes;
    this.#receive.windowBytes = bytes;
    if (this.#connection !== undefined && !this.#link.isFree) this.#tellWindow();
  }

  /** A data frame came: false when the peer sends far more than it may. */
  received(frameBytes: number): boolean {
    this.#link.counters.bytesIn += frameBytes;
    return this.#receive.received(frameBytes) || this.#link.isFree;
  }

  /** A frame is about to be handled. */
  begins(now: number): void {
    if (this.#turns.begins(now)) this.#link.arm();
  }

  /** A frame was handled, in a turn that others want a part of. */
  ends(frameBytes: number, now: number): void {
    this.#turns.handled(frameBytes, now, this.#connection);
  }

  /** The turn has ended: what was paused goes on. */
  turnEnded(): void {
    this.#turns.ended();
  }

  /** A ping came; false: there are far too many. */
  ping(now: number): boolean {
    return this.#turns.ping(now);
  }

  /** A payload was none; false: there were far too many of them. */
  undecodable(weight: number): boolean {
    return this.#turns.undecodable(weight);
  }

  /** A data frame was read and its handlers have returned. */
  consumed(frameBytes: number): void {
    if (this.#link.isFree) return;
    if (this.#isGrowing && this.#link.counters.bytesIn > this.#receive.windowBytes)
      this.#tune(frameBytes);
    if (this.#link.queuedBytes > FAIR.unreadBytesMax) this.#withhold(frameBytes);
    this.#consumed();
  }

  /** Bytes of this link that a handler has not consumed yet. Answers how to say that it has. */
  hold(bytes: number): () => void {
    this.#receive.hold(bytes);
    let isHeld = true;
    return () => {
      if (!isHeld) return;
      isHeld = false;
      this.#receive.release(bytes);
    };
  }

  /** The link has ended: gives back what its window grew by. */
  close(): void {
    this.#tuner?.close();
  }

  /** A peer that does not read what waits for it is charged for what it sends, for a while. */
  #withhold(frameBytes: number): void {
    this.#receive.hold(frameBytes);
    this.#withheldBytes += frameBytes;
    this.#withheldTimer ??= this.#world.clock.setTimer(FAIR.withheldMs, () => this.#release());
  }

  #release(): void {
    this.#withheldTimer?.cancel();
    this.#withheldTimer = undefined;
    const bytes = this.#withheldBytes;
    this.#withheldBytes = 0;
    if (bytes > 0) this.#receive.release(bytes);
  }

  /** Something was consumed: tells the peer what it may send now, if that is worth a message. */
  #consumed(): void {
    if (this.#link.isFree || this.#connection === undefined) return;
    if (this.#receive.grant() !== undefined) return this.#tellWindow();
    if (!this.#peerWantsCounts || this.#countTimer !== undefined || !this.#receive.owesCount)
      return;
    this.#countTimer = this.#world.clock.setTimer(FLOW.ackDelayMs, () => {
      this.#countTimer = undefined;
      if (this.#receive.owesCount) this.#tellWindow();
    });
  }

  #tellWindow(): void {
    const { frames, creditBytes } = this.#receive.tell();
    this.#link.postControl(
      MessageType.window,
      0,
      windowBytes(frames, creditBytes, this.#link.retains),
    );
  }

  #tune(frameBytes: number): void {
    const { clock, preset, budget } = this.#world;
    const initialBytes = this.#initialBytes;
    const now = clock.now();
    this.#tuner ??= new WindowTuner(
      {
        initialBytes,
        bytesMax: initialBytes * preset.windowGrowthMax,
        roundTripMsMin: FLOW.growRoundTripMsMin,
      },
      budget,
    );
    if (this.#tuner.consumed(frameBytes, now, this.#link.peer.roundTripMs(now)))
      this.#receive.windowBytes = this.#tuner.windowBytes;
  }
}
