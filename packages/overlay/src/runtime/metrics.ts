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
  | "link-not-opened";

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
  readonly queueBytes: { set(value: number): void };
  readonly #meter: Meter;
  readonly #dropped = new Map<DropReason, Counter>();

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
    this.queueBytes = meter.gauge(
      "overlay_queue_bytes",
      "Bytes queued in the link that was written last, the operating system's buffers excluded",
    );
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
