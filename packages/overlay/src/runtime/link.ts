/**
 * Link: one lane of one channel to one peer, whether its connection is up, being opened or being
 * reopened.
 *
 * The top layer: what others see of a link, and the life of its connections. What it sends is in
 * link-outflow.ts (queues, credit, waiting) over link-writer.ts (messages to frames), what it
 * receives in link-inflow.ts.
 *
 * Invariants: one connection at a time, and what an older one still brings is not heard; a frame is
 * handled at most once (see flow/send-flow.ts for what is written again).
 */
import type { Connection, ConnectionEnd } from "@foundation/core";
import type { ChannelSettings } from "../channel-options.js";
import { FAIR, FLOW } from "../limits.js";
import { readResume, readWindow } from "../protocol/flow/messages.js";
import { SendFlow } from "../protocol/flow/send-flow.js";
import { MessageType, type FrameReader } from "../protocol/frame.js";
import type { AwaitedFence } from "./delivery/fences.js";
import { LinkInflow, type KeptInflow } from "./link-inflow.js";
import { LinkOutflow } from "./link-outflow.js";
import { LinkPings } from "./link-pings.js";
import type { LinkStats } from "./link-stats.js";
import type { LinkWorld } from "./link-world.js";
import type { Peer } from "./peer.js";

/** What outlives a link, so that the same start of the peer goes on where it was. */
export interface LinkFlows extends KeptInflow {
  readonly send: SendFlow;
}

const EMPTY = new Uint8Array(0);

export class Link extends LinkOutflow {
  readonly peer: Peer;
  readonly channel: string;
  readonly lane: number;
  /** Membership's own channel: without flow control, and nothing of it is repeated. */
  readonly isFree: boolean;
  /** No more than order is promised, and a full queue is waited for: the quick way. */
  isPlain: boolean;
  readonly inflow: LinkInflow;
  /** Being dialled or asked for: kept by the opener. */
  opening = false;
  /** Stands before the next message that comes: kept by Fences. */
  fence: AwaitedFence | undefined;

  readonly #pings: LinkPings;
  #closed = false;

  constructor(
    peer: Peer,
    settings: ChannelSettings,
    lane: number,
    world: LinkWorld,
    flows?: LinkFlows,
  ) {
    const { name, delivery } = settings;
    const isFree = name === world.freeChannel;
    const retains = delivery !== "best";
    const { retainBytesMax } = world.preset;
    super(settings, world, flows?.send ?? new SendFlow({ retains, retainBytesMax, isFree }));
    this.peer = peer;
    this.channel = name;
    this.lane = lane;
    this.isFree = isFree;
    this.isPlain = isPlain(settings);
    this.inflow = new LinkInflow(this, settings.windowBytes, world, flows);
    this.#pings = new LinkPings(world.clock, (type, id, payload) =>
      this.postControl(type, id, payload),
    );
  }

  override get isClosed(): boolean {
    return this.#closed;
  }

  /** To the peer, where nothing queues; ms. */
  get roundTripMs(): number | undefined {
    const { coordination } = this.peer;
    if (coordination === undefined || coordination === this) return this.#pings.roundTripMs;
    return coordination.roundTripMs;
  }

  /** The channel was configured after a peer had opened it, and before anything was sent on it here. */
  configure(settings: ChannelSettings): void {
    this.settings = settings;
    this.isPlain = isPlain(settings);
    if (settings.delivery !== "best") this.outgoing.retain();
    this.inflow.configure(settings.windowBytes);
  }

  /** Bytes of this link that a handler has not consumed yet. Answers how to say that it has. */
  hold(bytes: number): () => void {
    return this.inflow.hold(bytes);
  }

  /** Uses a connection from now on; what waited is written to it once the peer has resumed. */
  attach(connection: Connection): void {
    this.opening = false;
    this.connected(connection);
    this.inflow.reader.ownsFrames = connection.givesFrames === true;
    connection.onFrame((frame) => {
      if (this.connection === connection) this.world.owner.receive(this, frame);
    });
    void connection.closed.then((end) => {
      if (this.connection === connection) this.#onBroken(end);
    });
    this.inflow.attach(connection);
    this.#pings.measure();
    this.flush();
  }

  onControl(reader: FrameReader): void {
    const payload = reader.payload();
    switch (reader.type) {
      case MessageType.resume:
        return this.#onResume(payload);
      case MessageType.window: {
        const window = readWindow(payload);
        if (window === undefined) return this.world.metrics.dropped("not-decodable");
        if (window.wantsCounts) this.inflow.peerRetains();
        this.outgoing.window(window.frames, window.creditBytes);
        return this.pump();
      }
      case MessageType.ping:
        // Who does not read its pongs gets no more of them.
        if ((this.connection?.bufferedBytes ?? 0) > FLOW.socketBytesMax) return;
        if (payload.length > FLOW.pingBytesMax) return;
        if (!this.inflow.ping(this.world.clock.now())) return this.#flooded();
        return this.postControl(MessageType.pong, reader.requestId, payload);
      case MessageType.pong:
        return this.#pings.onPong(reader.requestId);
    }
  }

  override flush(): void {
    super.flush();
    this.inflow.turnEnded();
  }

  /**
   * Asks for a sign of life; answers false when none comes in time or the connection ends first.
   */
  ping(timeoutMs: number, answer: (alive: boolean) => void, payload: Uint8Array = EMPTY): void {
    if (!this.isUp) return answer(false);
    this.#pings.ask(timeoutMs, answer, payload);
  }

  /** An application may ask for a sign of life; false: it has asked too often. */
  mayPing(): boolean {
    return this.#pings.mayAsk();
  }

  /** Measures the round trip, unless an answer is awaited already. */
  measure(): void {
    if (this.isUp) this.#pings.measure();
  }

  /**
   * Ends the connection, after what may be written has been; the link stays and can be attached
   * again.
   */
  override disconnect(end: ConnectionEnd): void {
    this.flush();
    const { connection } = this;
    if (connection === undefined) return;
    connection.close(end);
    this.#onBroken(end);
  }

  /**
   * Drops what was not written, and tells whoever waits. A lane that retains keeps its messages:
   * only requests and waiting sends end.
   */
  override dropUnsent(): void {
    this.batch.seal();
    this.world.owner.dropping(this);
    if (!this.retains) this.dropWaiting();
    this.waiters.fail();
    if (!this.hasUnsent) this.waiters.emptied();
  }

  /** Ends the link for good; answers when the other side has everything, or is known to be gone. */
  close(end: ConnectionEnd): Promise<unknown> {
    if (this.#closed) return Promise.resolve();
    this.#closed = true;
    const { connection } = this;
    this.#takeLatest();
    this.disconnect(end);
    if (this.retains) this.world.owner.lost(this);
    this.dropUnsent();
    this.latest?.end();
    this.inflow.close();
    this.report();
    return connection?.closed ?? Promise.resolve();
  }

  /** What the same start of the peer could go on with; undefined: nothing. */
  keep(): LinkFlows | undefined {
    // What this turn has gathered is accepted too, on a lane that was never up as on any other.
    this.#takeLatest();
    this.batch.seal();
    const { receive, assembly } = this.inflow;
    const isUsed = this.outgoing.isWorthKeeping || receive.isKnown;
    return isUsed && !this.isFree ? { send: this.outgoing, receive, assembly } : undefined;
  }

  stats(): LinkStats {
    this.measureQueue();
    return this.counters.stats(this, this.outgoing, this.inflow.receive, this.world.clock.now());
  }

  /** Newest values wait for their last moment, which is now: they are kept with the lane. */
  #takeLatest(): void {
    if (this.retains) while (this.latest?.pull() === true);
  }

  #onResume(payload: Uint8Array): void {
    const { metrics, owner } = this.world;
    const resume = readResume(payload);
    if (resume === undefined) return metrics.dropped("not-decodable");
    // What stood behind it may be lost, and is never sent again.
    if (!resume.wantsCounts) this.fence = undefined;
    this.inflow.peerResumed(resume.wantsCounts);
    const resentBefore = this.outgoing.resent;
    const lost = this.outgoing.resume(resume.session, resume.frames, resume.windowBytes);
    this.counters.resentFrames += this.outgoing.resent - resentBefore;
    if (lost > 0) {
      this.counters.lostFrames += lost;
      metrics.dropped("session-lost", lost);
      owner.lost(this);
    }
    owner.resumed(this);
    this.pump();
  }

  #flooded(): void {
    const detail = `more than ${FAIR.pingsPerSecondMax} pings in a second`;
    this.world.metrics.floods.add();
    this.disconnect({ reason: "protocol", detail });
  }

  #onBroken(end: ConnectionEnd): void {
    this.disconnected();
    this.inflow.detach();
    const answerPings = this.#pings.end();
    if (!this.retains) this.world.owner.lost(this);
    this.world.owner.broken(this, end);
    answerPings();
  }
}

function isPlain({ delivery, monotonic, overflow }: ChannelSettings): boolean {
  return delivery !== "acked" && !monotonic && overflow === "block";
}
