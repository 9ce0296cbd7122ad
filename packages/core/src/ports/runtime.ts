/**
 * Runtime: the one bundle of the outside world. Every `create…` takes a partial one; what is missing is Node's own.
 */
import type { Authentication } from "./authentication.js";
import type { Clock } from "./clock.js";
import type { DiscoveryStrategy } from "./discovery-strategy.js";
import type { Logger } from "./logger.js";
import type { Meter } from "./meter.js";
import type { Random } from "./random.js";
import type { Signals } from "./signals.js";
import type { Storage } from "./storage.js";
import type { Transport } from "./transport.js";

export interface Runtime {
  readonly clock: Clock;
  readonly random: Random;
  readonly logger: Logger;
  readonly meter: Meter;
  readonly signals: Signals;
  /** Absent: nothing is kept across restarts. */
  readonly storage?: Storage;
  /** Absent: the overlay's WebSocket transport. */
  readonly transport?: Transport;
  /** Absent: made from the cluster's secret. */
  readonly authentication?: Authentication;
  /** Absent: this machine. */
  readonly host?: Host;
}

/** The machine around a process, where it is another than this one: that of a simulated node. */
export interface Host {
  readonly name: string;
  /** What finds peers from there; this machine's own ways (files, sockets) do not lead to them. */
  readonly discovery: DiscoveryStrategy;
  /** What was started there and is not closed yet, oldest first, for a test to look at. */
  readonly handles: Set<object>;
}
