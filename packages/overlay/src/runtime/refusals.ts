/**
 * Refusals: every handshake that was refused, on either side, counted by code and told in
 * rate-limited log lines.
 *
 * A wrong secret or a second node with the same id is the operator's to mend, so the line says what
 * to do; a stranger who knocks a thousand times a second must not fill the disk. What only an
 * impostor or a copied data directory can cause is an error, the rest warnings. No line holds a
 * secret, a proof or text of a stranger.
 */
import { parseDuration, type Clock, type Logger, type Meter, type NodeId } from "@foundation/core";
import { overlayErrors } from "../errors.js";
import { REFUSAL_LOG_INTERVAL } from "../limits.js";
import type { Refusal } from "../protocol/handshake/handshake.js";
import type { OverlayMetrics } from "./metrics.js";

/** Refusals of one code and direction since the overlay was created. */
export interface RefusalCount {
  /** A code of this package's errors, e.g. `ERR_WRONG_SECRET`. */
  readonly code: string;
  /** `inbound`: the other side dialled. */
  readonly direction: "inbound" | "outbound";
  readonly count: number;
  /** The last one, with its cause and what to do about it. */
  readonly lastMessage: string;
  readonly lastRemote: string;
  /** Clock.now of the last one, in ms. */
  readonly lastAt: number;
  /** True for what happens in a healthy cluster too, such as crossing dials. */
  readonly ordinary: boolean;
}

const ORDINARY = new Set([
  "ERR_CLIENT_REFUSED",
  "ERR_DUPLICATE_LINK",
  "ERR_SELF_DIAL",
  "ERR_SHUTTING_DOWN",
  "ERR_NO_COORDINATION_LINK",
]);

/** Two processes claim to be one node. */
const ALARMING = new Set(["ERR_NODE_ID_CLASH", "ERR_NODE_KEY_MISMATCH"]);

interface Entry extends RefusalCount {
  count: number;
  lastMessage: string;
  lastRemote: string;
  lastAt: number;
  loggedMs: number;
  unlogged: number;
}

type Code =
  | Refusal["code"]
  | "ERR_BROWSER_ORIGIN"
  | "ERR_CERTIFICATE_REFUSED"
  | "ERR_NOT_ENCRYPTED";

export class Refusals {
  readonly #clock: Clock;
  readonly #logger: Logger;
  readonly #metrics: OverlayMetrics;
  readonly #meter: Meter | undefined;
  readonly #entries = new Map<string, Entry>();
  readonly #intervalMs = parseDuration(REFUSAL_LOG_INTERVAL, "REFUSAL_LOG_INTERVAL");

  /** @param meter counts the limits that were reached, by name */
  constructor(world: { clock: Clock; logger: Logger; metrics: OverlayMetrics }, meter?: Meter) {
    this.#meter = meter;
    this.#clock = world.clock;
    this.#logger = world.logger;
    this.#metrics = world.metrics;
  }

  list(): readonly RefusalCount[] {
    return [...this.#entries.values()].map(({ loggedMs: _, unlogged: __, ...count }) => count);
  }

  /** Counts a refusal and logs it, if it is time to. */
  note(
    code: Code,
    direction: "inbound" | "outbound",
    remote: string,
    about: {
      readonly by: "us" | "peer";
      readonly reason: string;
      readonly claimed?: NodeId | undefined;
      /** The name of the limit that was reached. */
      readonly limit?: string | undefined;
    },
  ): void {
    if (about.limit !== undefined) this.limitReached(about.limit);
    const { fix } = overlayErrors[code];
    const who = about.by === "us" ? `Refused ${remote}` : `Refused by ${remote}`;
    const message = `${who}: ${about.reason}. ${fix}`;
    const key = `${direction} ${code}`;
    const entry = this.#entries.get(key) ?? {
      code,
      direction,
      count: 0,
      lastMessage: message,
      lastRemote: remote,
      lastAt: 0,
      ordinary: ORDINARY.has(code),
      loggedMs: Number.NEGATIVE_INFINITY,
      unlogged: 0,
    };
    this.#entries.set(key, entry);
    entry.count += 1;
    entry.lastMessage = message;
    entry.lastRemote = remote;
    this.#metrics.refused(code, direction);
    const now = this.#clock.now();
    entry.lastAt = now;
    if (now - entry.loggedMs < this.#intervalMs) {
      entry.unlogged += 1;
      return;
    }
    const fields = { code, direction, remote, peer: about.claimed, notLoggedSince: entry.unlogged };
    entry.loggedMs = now;
    entry.unlogged = 0;
    if (entry.ordinary) this.#logger.debug(message, fields);
    else if (ALARMING.has(code)) this.#logger.error(message, fields);
    else this.#logger.warn(message, fields);
  }

  /** Counts a limit of strangers that ended a connection. */
  limitReached(limit: string): void {
    const help = "Connections of strangers that a limit ended, by the limit's name";
    this.#meter?.counter("overlay_stranger_limits_total", help, { limit }).add();
  }
}
