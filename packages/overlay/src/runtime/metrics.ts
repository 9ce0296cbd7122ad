/**
 * OverlayMetrics: the instruments of the overlay, asked for once. Counted per frame, so that no
 * message pays for it.
 */
import type { Meter } from "@foundation/core";

export type DropReason =
  | "no-handler"
  | "not-decodable"
  | "late-reply"
  | "unknown-type"
  | "queue-full"
  | "link-not-opened"
  | "session-lost"
  | "cut-off"
  /** Of a monotonic channel: replaced by a newer value of its key. */
  | "stale"
  /** Of an acked channel: it came again. */
  | "repeated"
  /** Of an acked channel, sent by `trySend`: given up. */
  | "not-acked"
  | "late-piece"
  /** A broadcast: more of them are being handled than may be. */
  | "busy"
  | "too-many-channels"
  /** A broadcast of a node that is no member here, or no more. */
  | "no-member";

export interface Counter {
  add(count?: number): void;
}

export class OverlayMetrics {
  readonly messagesOut: Counter;
  readonly messagesIn: Counter;
  readonly framesOut: Counter;
  readonly framesIn: Counter;
  readonly bytesOut: Counter;
  readonly bytesIn: Counter;
  readonly handlerFailures: Counter;
  readonly links: { set(value: number): void };
  readonly creditStalls: Counter;
  readonly creditStalledMs: Counter;
  readonly overdrafts: Counter;
  readonly floods: Counter;
  readonly ackedRepeats: Counter;
  readonly streamsHeldBytes: { set(value: number): void };
  readonly #meter: Meter;
  readonly #dropped = new Map<DropReason, Counter>();
  /** By channel. */
  readonly #queues = new Map<string, { bytes: number; gauge: { set(value: number): void } }>();

  constructor(meter: Meter) {
    this.#meter = meter;
    const counter = (name: string, help: string, direction: string) =>
      meter.counter(name, help, { direction });
    this.messagesOut = counter(
      "overlay_messages_total",
      "Messages in written or received frames",
      "out",
    );
    this.messagesIn = counter(
      "overlay_messages_total",
      "Messages in written or received frames",
      "in",
    );
    this.framesOut = counter("overlay_frames_total", "Frames written or received", "out");
    this.framesIn = counter("overlay_frames_total", "Frames written or received", "in");
    this.bytesOut = counter("overlay_bytes_total", "Bytes of frames written or received", "out");
    this.bytesIn = counter("overlay_bytes_total", "Bytes of frames written or received", "in");
    this.handlerFailures = meter.counter(
      "overlay_handler_failures_total",
      "Handlers of plain messages that threw or rejected",
    );
    this.links = meter.gauge("overlay_links", "Links that are up, of every channel");
    this.creditStalls = meter.counter(
      "overlay_credit_stalls_total",
      "How often a link had something to write and no credit of its peer",
    );
    this.creditStalledMs = meter.counter(
      "overlay_credit_stalled_ms_total",
      "How long links had something to write and no credit of their peers",
    );
    this.streamsHeldBytes = meter.gauge(
      "overlay_streams_held_bytes",
      "Bytes of streams that were received and that their consumers have not taken",
    );
    this.floods = meter.counter(
      "overlay_floods_total",
      "Links that were closed because their peer sent far too many pings or broken payloads",
    );
    this.overdrafts = meter.counter(
      "overlay_credit_overdrafts_total",
      "Links that were closed because their peer sent far more than it may",
    );
    this.ackedRepeats = meter.counter(
      "overlay_acked_repeats_total",
      "Messages of acked channels that were sent again because no answer came",
    );
  }

  /** A link's queue has changed: the gauge of its channel is the sum over all its links. */
  queued(link: { readonly channel: string; reportedBytes: number }, bytes: number): void {
    if (bytes === link.reportedBytes) return;
    let queue = this.#queues.get(link.channel);
    if (queue === undefined) {
      const help =
        "Bytes accepted and not yet with the operating system, of all links of a channel";
      const gauge = this.#meter.gauge("overlay_queue_bytes", help, { channel: link.channel });
      queue = { bytes: 0, gauge };
      this.#queues.set(link.channel, queue);
    }
    queue.bytes += bytes - link.reportedBytes;
    link.reportedBytes = bytes;
    queue.gauge.set(queue.bytes);
  }

  /** Messages that a full channel refused or dropped, as its policy says. */
  overflowed(channel: string, policy: string, count: number): void {
    const help = "Messages that a full channel refused or dropped, by its overflow policy";
    this.#meter.counter("overlay_overflow_total", help, { channel, policy }).add(count);
  }

  /** What became of broadcasts that travel from neighbour to neighbour. */
  broadcast(channel: string, sign: string, amount = 1): void {
    const help = "What the trees of broadcasts did, by sign: docs/protocol/plumtree.md";
    this.#meter.counter("overlay_broadcast_total", help, { channel, sign }).add(amount);
  }

  dropped(reason: DropReason, count = 1): void {
    let counter = this.#dropped.get(reason);
    if (counter === undefined) {
      counter = this.#meter.counter("overlay_dropped_total", "Messages dropped, by reason", {
        reason,
      });
      this.#dropped.set(reason, counter);
    }
    counter.add(count);
  }

  refused(code: string, direction: "inbound" | "outbound"): void {
    const labels = { code, direction };
    this.#meter
      .counter("overlay_refusals_total", "Handshakes that were refused, by code", labels)
      .add();
  }
}
