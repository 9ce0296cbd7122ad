/**
 * What replicas of a causal state tell each other, and the check of what arrives.
 *
 * A delta is a state of its own: for each part a range of one writer's numbers and *all* of the
 * sender's live writes within it. So what is in the range and not in the part was removed, nothing
 * follows for what is outside, and a transfer may be cut between any two messages. Every other
 * message only finds out which deltas to send. Columns instead of objects, so that a write costs a
 * few bytes beyond its key and value. docs/protocol/crdt.md has the whole conversation.
 */
import { HYBRID_COUNTER_MAX, HYBRID_WALL_MS_MAX, isBoot, isNodeId } from "@foundation/core";
import type { Boot, NodeId } from "@foundation/core";
import { BLOCK_WRITES, type CausalLimits } from "../../limits.js";
import type { Fingerprint } from "../fingerprint.js";
import { isRanges, type Ranges } from "./intervals.js";
import type { StrandId } from "./strand.js";

/** The writes `from` through `through` of one writer. */
export interface Part<V> {
  readonly of: StrandId;
  readonly from: number;
  readonly through: number;
  /** Distances between the live numbers, the first from `from`; absent when all are live. */
  readonly gaps?: readonly number[];
  readonly keys: readonly string[];
  readonly values: readonly V[];
  /** Wall time of the first, then for each: milliseconds since the one before, counter. */
  readonly times?: readonly number[];
  /** Milliseconds left of each; 0 for no end. */
  readonly left?: readonly number[];
}

/** Writes that were removed: writer, then from, through, from, through …. */
export type Removed = readonly [StrandId, Ranges];

export interface Delta<V> {
  readonly type: "delta";
  readonly parts: readonly Part<V>[];
  readonly removed?: readonly Removed[];
  /** The last one of the answer to the pull of this number. */
  readonly ends?: number;
}

/** Says who the sender is and the digest of all its live writes. */
export interface CausalRoot {
  readonly type: "root";
  readonly root: Fingerprint;
}

/** The answer to a root that is equal. */
export interface CausalAgree {
  readonly type: "agree";
  readonly root: Fingerprint;
}

/** What the sender has taken in of a writer, and the count and digest of what of it is live. */
export interface StrandSummary {
  readonly id: StrandId;
  readonly seen: Ranges;
  readonly live: number;
  readonly high: number;
  readonly low: number;
}

export interface Vector {
  readonly type: "vector";
  /** The sender wants the receiver's in return, if that has what the sender lacks. */
  readonly ask: boolean;
  /** All the sender has; false when it names some. */
  readonly complete: boolean;
  readonly strands: readonly StrandSummary[];
}

/** Asks for the live writes in these ranges. */
export interface Pull {
  readonly type: "pull";
  readonly number: number;
  readonly wants: readonly (readonly [StrandId, Ranges])[];
}

/** Digests of the blocks `from` through `through` of a writer: index, high, low, index …. */
export interface Blocks {
  readonly type: "blocks";
  readonly of: StrandId;
  readonly from: number;
  readonly through: number;
  readonly blocks: readonly number[];
}

/** The answer: what the sender has seen of the writer, and the live writes of blocks that differ. */
export interface Lives {
  readonly type: "lives";
  readonly of: StrandId;
  readonly seen: Ranges;
  readonly bitmaps: readonly (readonly [number, Uint8Array])[];
  /** More blocks differ than fit. */
  readonly more: boolean;
}

export type CausalMessage<V> = Delta<V> | CausalRoot | CausalAgree | Vector | Pull | Blocks | Lives;

/** Node and boot of a writer, or undefined when the text names none. */
export function writerOf(id: unknown): { readonly node: NodeId; readonly boot: Boot } | undefined {
  if (typeof id !== "string") return undefined;
  const [node, boot, opening, ...rest] = id.split("/");
  if (!isNodeId(node) || !isBoot(boot) || rest.length > 0) return undefined;
  return opening !== undefined && /^\d{1,15}$/.test(opening) ? { node, boot } : undefined;
}

/** The message a peer sent, or what is wrong with it. */
export function parseCausalMessage<V>(
  payload: unknown,
  limits: CausalLimits,
): { readonly message: CausalMessage<V> } | { readonly problem: string } {
  if (typeof payload !== "object" || payload === null) return { problem: "not an object" };
  const problem = problemOf(payload as Readonly<Record<string, unknown>>, limits);
  return problem === undefined ? { message: payload as CausalMessage<V> } : { problem };
}

type Fields = Readonly<Record<string, unknown>>;

function problemOf(message: Fields, limits: CausalLimits): string | undefined {
  switch (message["type"]) {
    case "delta": {
      const { parts, removed, ends } = message;
      if (!listOf(parts, (part) => isPart(part, limits))) return "with a malformed part";
      if (removed !== undefined && !listOf(removed, isOfStrand)) return "with malformed removals";
      return ends === undefined || isCount(ends) ? undefined : "with a malformed end";
    }
    case "root":
    case "agree":
      return isDigest(message["root"]) ? undefined : "without a digest";
    case "vector":
      if (typeof message["ask"] !== "boolean" || typeof message["complete"] !== "boolean")
        return "without its flags";
      return listOf(message["strands"], isSummary) ? undefined : "with a malformed writer";
    case "pull":
      if (!isCount(message["number"])) return "without its number";
      return listOf(message["wants"], isOfStrand) ? undefined : "with a malformed wish";
    case "blocks":
      return isBlocks(message) ? undefined : "with malformed blocks";
    case "lives":
      if (writerOf(message["of"]) === undefined || !isRanges(message["seen"]))
        return "without its writer";
      return listOf(message["bitmaps"], isBitmap) ? undefined : "with a malformed bitmap";
    default:
      return "of an unknown type";
  }
}

function isPart(value: unknown, limits: CausalLimits): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { of, from, through, gaps, keys, values, times, left } = value as Fields;
  if (writerOf(of) === undefined || !isCount(from) || !isCount(through)) return false;
  if (from < 1 || through < from || !Array.isArray(keys) || !Array.isArray(values)) return false;
  const count = keys.length;
  if (values.length !== count || count > limits.deltaEntriesMax) return false;
  if (!keys.every((key) => typeof key === "string" && key.length <= limits.keyBytesMax))
    return false;
  if (left !== undefined && !(listOf(left, isAge) && (left as unknown[]).length === count))
    return false;
  return isGaps(gaps, count, from, through) && (times === undefined || isTimes(times, count));
}

/** Rising numbers within the range, as many as there are keys. */
function isGaps(gaps: unknown, count: number, from: number, through: number): boolean {
  if (gaps === undefined) return count === through - from + 1;
  if (!Array.isArray(gaps) || gaps.length !== count) return false;
  let at = from;
  for (const [i, gap] of (gaps as unknown[]).entries()) {
    if (!isCount(gap) || (i > 0 && gap < 1)) return false;
    at += gap;
    if (at > through) return false;
  }
  return true;
}

function isTimes(times: unknown, count: number): boolean {
  if (!Array.isArray(times) || times.length !== 1 + 2 * count) return false;
  let wallMs = 0;
  for (const [i, each] of (times as unknown[]).entries()) {
    if (!Number.isSafeInteger(each)) return false;
    if (i % 2 === 0 && i > 0) {
      if ((each as number) < 0 || (each as number) > HYBRID_COUNTER_MAX) return false;
    } else {
      wallMs += each as number;
      if (wallMs < 0 || wallMs > HYBRID_WALL_MS_MAX) return false;
    }
  }
  return true;
}

function isBlocks({ of, from, through, blocks }: Fields): boolean {
  if (writerOf(of) === undefined || !isCount(from) || !isCount(through)) return false;
  return Array.isArray(blocks) && blocks.length % 3 === 0 && blocks.every(isCount);
}

function isSummary(value: unknown): boolean {
  if (typeof value !== "object" || value === null) return false;
  const { id, seen, live, high, low } = value as Fields;
  if (writerOf(id) === undefined || !isRanges(seen)) return false;
  return isCount(live) && isCount(high) && isCount(low);
}

function isOfStrand(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [of, ranges] = value as unknown[];
  return writerOf(of) !== undefined && isRanges(ranges);
}

function isBitmap(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 2) return false;
  const [index, bits] = value as unknown[];
  return isCount(index) && bits instanceof Uint8Array && bits.length === BLOCK_WRITES / 8;
}

function isDigest(value: unknown): value is Fingerprint {
  if (typeof value !== "object" || value === null) return false;
  const { high, low } = value as Partial<Fingerprint>;
  return isCount(high) && isCount(low);
}

function listOf(value: unknown, isGood: (each: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isGood);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isAge(value: unknown): boolean {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
