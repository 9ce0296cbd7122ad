/** World: what the parts of one shared cache have in common on one node. */
import { coreErrors, isFoundationError } from "@foundation/core";
import type { Clock, Codec, Logger, Member, Membership, Messenger, NodeId } from "@foundation/core";
import { cacheErrors } from "../errors.js";
import { CLOCK_AHEAD_MS_MAX, type CacheLimits, type CacheTimes } from "../limits.js";
import type { Ring } from "../protocol/ring.js";
import { isTimely, type Version } from "../protocol/version.js";

/** The channel of everything caches send. */
export const CHANNEL = "cache";

/** `eventual` or `quorum`; the guide's table says what they promise. */
export type Consistency = "eventual" | "quorum";

/** What nodes ask of each other. */
export type Verb =
  | "get"
  | "read"
  | "write"
  | "lead"
  | "fail"
  | "copy"
  | "mend"
  | "hold"
  | "pull"
  | "dump"
  | "digest"
  | "wipe"
  | "near"
  | "untag"
  | "clear";

export interface World {
  readonly name: string;
  readonly self: NodeId;
  readonly consistency: Consistency;
  readonly clock: Clock;
  readonly codec: Codec;
  readonly logger: Logger;
  readonly messenger: Messenger;
  readonly membership: Membership;
  readonly limits: CacheLimits;
  readonly times: CacheTimes;
  /** Fires when the cache is closed on this node. */
  readonly closed: AbortSignal;
  /** The view this node has at the moment; undefined while it joins. */
  ring(): Ring | undefined;
  /** Asks a node, or this one. */
  ask(
    to: NodeId,
    verb: Verb,
    payload: unknown,
    timeoutMs: number,
    signal?: AbortSignal,
  ): Promise<unknown>;
}

export function subjectOf(verb: Verb, name: string): string {
  return `cache.${verb}.${name}`;
}

/** A node's start, as it stands in a committed list. */
export function seatOf({ id, boot }: Pick<Member, "id" | "boot">): string {
  return `${id}.${boot}`;
}

/** The node of a seat. */
export function nodeOfSeat(seat: string): NodeId {
  return seat.slice(0, seat.indexOf(".")) as NodeId;
}

/** Too few can be reached, or they see another ring: nothing was changed, and trying again may help. */
export function unavailable(cache: string, reason: string, cause?: unknown): Error {
  return cacheErrors.ERR_CACHE_UNAVAILABLE(
    `The cache "${cache}" cannot serve the key at the moment: ${reason}; try again, and look at the cluster's health ` +
      "if it lasts",
    { cache, reason },
    cause,
  );
}

/** @throws {ERR_CACHE_UNAVAILABLE} a clock is so far ahead that its versions would block those of all others */
export function checkTimely(world: World, versions: Iterable<Version>): void {
  const { name, clock, consistency } = world;
  if (consistency === "quorum") return;
  const wallMs = clock.wallNow();
  for (const version of versions) {
    if (isTimely(version, wallMs, CLOCK_AHEAD_MS_MAX)) continue;
    const reason = `the clock of node ${version.writer} is more than ${CLOCK_AHEAD_MS_MAX} ms ahead of this one's`;
    throw unavailable(name, reason);
  }
}

export function malformed(cache: string, verb: Verb): Error {
  return coreErrors.ERR_NOT_DECODABLE(
    `A message "${verb}" of the cache "${cache}" is not what this version of the package sends; run one version on all nodes`,
    { reason: `cache.${verb}` },
  );
}

/** True for what may be otherwise a moment later: the node is not known yet, its view is another, its link is broken. */
export function isPassing(error: unknown): boolean {
  return (
    isFoundationError(error, "ERR_CACHE_UNAVAILABLE") ||
    isFoundationError(error, "ERR_NODE_UNREACHABLE") ||
    isFoundationError(error, "ERR_UNKNOWN_SUBJECT") ||
    isFoundationError(error, "ERR_QUEUE_FULL")
  );
}

/** True where no answer came: what is taken by its version, or only read, may be sent again. */
export function isUnknown(error: unknown): boolean {
  return isFoundationError(error, "ERR_OUTCOME_UNKNOWN") || isFoundationError(error, "ERR_TIMEOUT");
}

/** Waits a moment. Without the signal that the cache is closed: hundreds may wait, and a moment is soon over. */
export async function pause({ clock, closed }: World, ms: number): Promise<void> {
  if (!closed.aborted) await clock.sleep(ms);
}
