/** RelayMetrics: what a node counts about relayed connections, asked for once. */
import type { ConnectionEnd, Meter } from "@foundation/core";
import type { RelayRefusal } from "../../protocol/relay/frames.js";

export type RelayRole = "end" | "hop";
/** What became of an open that came from a neighbour. */
export type OpenOutcome = "accepted" | "passed" | "repeated" | RelayRefusal;
/** Frames that changed nothing: broken rules, of no connection, of a type we do not know. */
export type DroppedFrame = "garbage" | "stray" | "unknown-type";

interface Counter {
  add(count?: number): void;
}

export class RelayMetrics {
  readonly framesPassed: Counter;
  readonly bytesPassed: Counter;
  readonly #meter: Meter;
  readonly #counters = new Map<string, Counter>();
  readonly #gauges = new Map<RelayRole, { set(value: number): void }>();

  constructor(meter: Meter) {
    this.#meter = meter;
    const passed = "passed on for connections of others";
    this.framesPassed = meter.counter("overlay_relay_frames_total", `Frames ${passed}`);
    this.bytesPassed = meter.counter("overlay_relay_bytes_total", `Bytes of frames ${passed}`);
  }

  open(outcome: OpenOutcome): void {
    const help = "Opens of relayed connections that came from neighbours, by what became of them";
    this.#count("overlay_relay_opens_total", help, "outcome", outcome);
  }

  ended(role: RelayRole, reason: ConnectionEnd["reason"]): void {
    const help = "Relayed connections that ended, by why; those of others are told by role";
    this.#count(`overlay_relay_${role}s_ended_total`, help, "reason", reason);
  }

  dropped(what: DroppedFrame): void {
    const help = "Relay frames that were dropped, by what they were";
    this.#count("overlay_relay_dropped_total", help, "what", what);
  }

  connections(role: RelayRole, count: number): void {
    let gauge = this.#gauges.get(role);
    if (gauge === undefined) {
      const help = "Relayed connections: ends are this node's own, hops pass through it";
      gauge = this.#meter.gauge("overlay_relay_connections", help, { role });
      this.#gauges.set(role, gauge);
    }
    gauge.set(count);
  }

  #count(name: string, help: string, label: string, value: string): void {
    const key = `${name} ${value}`;
    let counter = this.#counters.get(key);
    if (counter === undefined) {
      counter = this.#meter.counter(name, help, { [label]: value });
      this.#counters.set(key, counter);
    }
    counter.add();
  }
}
