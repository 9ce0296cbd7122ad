/**
 * What an engine's clients and its members tell each other, as plain data. All of it comes from authenticated members of
 * the cluster, and is checked all the same: another version may send anything.
 */
import { coreErrors } from "@foundation/core";
import type { KeyRange, Revision, WatchBatch } from "../engine/engine.js";
import type { StoreLimits } from "../protocol/store/limits.js";

/** The channel is that of other short messages nobody's leadership hangs on. */
export const CHANNEL = "rpc";

/** What is asked for; each has a handler of its own. */
export type Word = "hello" | "propose" | "read" | "begin" | "poll";

export function subjectOf(group: string, word: Word): string {
  return `consensus.engine.${group}.${word}`;
}

/** What a client has to know of a group's store. */
export interface Welcome {
  readonly limits: StoreLimits;
  /** Answers the store keeps for one session. */
  readonly responsesMax: number;
}

export interface PollRequest {
  readonly range: KeyRange;
  readonly from: Revision;
}

export interface BeginRequest {
  readonly range: KeyRange;
  readonly from: Revision | undefined;
}

export interface PollAnswer {
  readonly batches: readonly WatchBatch[];
  /** All changes before this revision have been told. */
  readonly next: Revision;
}

export function beginData({ range, from }: BeginRequest): unknown {
  return [range.key, range.end ?? null, from ?? null];
}

export function beginOf(data: unknown): BeginRequest {
  const [key, end, from] = Array.isArray(data) ? (data as unknown[]) : [];
  if (typeof key !== "string" || !(end === null || typeof end === "string")) {
    throw notUnderstood("the range of a watch");
  }
  if (!(from === null || Number.isSafeInteger(from))) throw notUnderstood("the first revision");
  const range = end === null ? { key } : { key, end };
  return { range, from: from === null ? undefined : (from as number) };
}

export function bytesOf(data: unknown): Uint8Array {
  if (data instanceof Uint8Array) return data;
  throw notUnderstood("a request to the store");
}

export function notUnderstood(what: string): Error {
  return coreErrors.ERR_NOT_DECODABLE(
    `${what} came in a form that this node does not understand. Run the same version on every node`,
    { reason: what },
  );
}
