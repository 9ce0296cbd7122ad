/**
 * ChannelOpener: gets a connection for each channel link that is used.
 *
 * Only the side that dialled the coordination link dials channels, so no two dials of one channel
 * can cross; the other side asks for one with a control message. While nothing succeeds messages
 * wait in the link, for a bounded time. That begins with the first attempt: a patient channel makes
 * none before membership has had its time to open the coordination link.
 *
 * Invariant: a link has at most one dial in flight, an older one is given up first: of two connections that open late
 * and in any order, the other side may have written to both, and its order would be lost.
 */
import type { Codec, Random, Timer } from "@foundation/core";
import { LINK } from "../limits.js";
import { isChannelName } from "../protocol/handshake/messages.js";
import { MessageType } from "../protocol/frame.js";
import { backoffMs } from "./backoff.js";
import { COORDINATION } from "./dial-targets.js";
import type { Dialling } from "./dialling.js";
import type { Link } from "./link.js";
import type { Peer } from "./peer.js";
import type { World } from "./world.js";

/** What is left of a wait below this is none: added to the time it may be lost in rounding, and the wait would never end. */
const WAIT_MS_MIN = 1;

/** How a member without a coordination link gets one. */
export interface CoordinationLinks {
  /** How long membership may take to open it by itself; 0: it is not about to. */
  comesWithinMs(peer: Peer): number;
  /** Asks for one now. */
  want(peer: Peer): void;
}

interface Opening {
  readonly link: Link;
  /** Since the first attempt. */
  deadline: Timer | undefined;
  failures: number;
  dialling: boolean;
  retry: Timer | undefined;
}

export class ChannelOpener {
  readonly #world: World;
  readonly #codec: Codec;
  readonly #random: Random;
  readonly #dialling: Dialling;
  readonly #coordination: CoordinationLinks;
  readonly #openings = new Map<Link, Opening>();
  /** Gives up the dial that is in flight for a link; it may outlive the opening it was made for. */
  readonly #dials = new Map<Link, () => void>();

  constructor(world: World, dialling: Dialling, coordination: CoordinationLinks) {
    this.#world = world;
    this.#codec = world.codec;
    this.#random = world.random.fork("open");
    this.#dialling = dialling;
    this.#coordination = coordination;
  }

  /** Opens a link that is not up; does nothing when that is under way. */
  want(link: Link): void {
    if (link.opening || link.isUp || link.isClosed) return;
    link.opening = true;
    const opening: Opening = {
      link,
      deadline: undefined,
      failures: 0,
      dialling: false,
      retry: undefined,
    };
    this.#openings.set(link, opening);
    this.#attempt(opening);
  }

  /** A coordination link has come up: what waited for it goes on at once. */
  wake(peer: Peer): void {
    for (const opening of [...this.#openings.values()]) {
      if (opening.link.peer !== peer || opening.dialling) continue;
      opening.retry?.cancel();
      this.#attempt(opening);
    }
  }

  /** A link is up or gone: nothing more to do for it. */
  settled(link: Link): void {
    link.opening = false;
    const opening = this.#openings.get(link);
    opening?.deadline?.cancel();
    opening?.retry?.cancel();
    this.#openings.delete(link);
  }

  close(): void {
    for (const link of [...this.#openings.keys()]) this.settled(link);
  }

  #attempt(opening: Opening): void {
    const { link } = opening;
    const { peer, channel, lane } = link;
    opening.retry = undefined;
    const { coordination } = peer;
    if (coordination?.isUp !== true && this.#waits(opening)) return;
    const { openTimeoutMs } = this.#world.preset;
    opening.deadline ??= this.#world.clock.setTimer(openTimeoutMs, () => this.#giveUp(link));
    if (coordination?.isUp !== true) return this.#coordination.want(peer);
    if (peer.dialledBy === "peer") {
      const payload = this.#codec.encode({ open: channel, lane });
      coordination.post(MessageType.control, 0, 0, 0, 0, undefined, payload);
      return this.#retryLater(opening);
    }
    opening.dialling = true;
    this.#dials.get(link)?.();
    const giveUp = this.#dialling.dial({
      id: peer.id,
      address: peer.address,
      channel,
      lane,
      done: (outcome) => {
        if (this.#dials.get(link) === giveUp) this.#dials.delete(link);
        opening.dialling = false;
        if (this.#openings.get(link) === opening && outcome.type !== "established")
          this.#retryLater(opening);
      },
    });
    this.#dials.set(link, giveUp);
  }

  /** A patient channel leaves the coordination link to membership, if that is about to open it. */
  #waits(opening: Opening): boolean {
    const { peer, settings } = opening.link;
    const waitMs = settings.isPatient ? this.#coordination.comesWithinMs(peer) : 0;
    if (waitMs < WAIT_MS_MIN) return false;
    opening.retry = this.#world.clock.setTimer(waitMs, () => this.#attempt(opening));
    return true;
  }

  #retryLater(opening: Opening): void {
    opening.failures += 1;
    // The one who asks must not ask again before the other can have dialled.
    const failures =
      opening.link.peer.dialledBy === "peer" ? opening.failures + 2 : opening.failures;
    const delayMs = backoffMs(failures, this.#random);
    opening.retry = this.#world.clock.setTimer(delayMs, () => this.#attempt(opening));
  }

  #giveUp(link: Link): void {
    this.settled(link);
    this.#dials.get(link)?.();
    if (!link.hasUnsent) return;
    const { peer, channel } = link;
    const seconds = this.#world.preset.openTimeoutMs / 1_000;
    const result = link.retains ? "it goes on trying" : "its queue was dropped";
    const fields = { peer: peer.id, name: peer.name };
    this.#world.logger.warn(
      `channel "${channel}" could not be opened in ${seconds} s: ${result}`,
      fields,
    );
    link.dropUnsent();
    if (link.hasUnsent) this.want(link);
  }
}

/** What a control message asks for, checked; undefined when it is none we know. */
export function parseOpenRequest(message: unknown): { channel: string; lane: number } | undefined {
  if (typeof message !== "object" || message === null) return undefined;
  const { open, lane } = message as { open?: unknown; lane?: unknown };
  const laneIsValid =
    Number.isInteger(lane) && (lane as number) >= 0 && (lane as number) < LINK.lanesMax;
  if (!isChannelName(open) || open === COORDINATION || !laneIsValid) return undefined;
  return { channel: open, lane: lane as number };
}
