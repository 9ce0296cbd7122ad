/**
 * CacheRules: what a book must never say. Pure.
 *
 * A value is *older* than an operation when its write was over before that one began; a computed value when it began to be
 * computed before. So nothing is said of what was under way together.
 */
import { checkLinearizable, registerModel } from "@foundation/testkit";
import type { HistoryOperation, RegisterInput, RegisterOutput } from "@foundation/testkit";
import { tell, type CacheBook, type Op } from "./cache-book.js";
import type { CachePlan } from "./cache-plan.js";

/** Between these moments nothing was wrong. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

export const ALL: Span = { from: 0, to: Infinity };

/** How much longer than its time an entry may be given while nothing is wrong: what its messages were on the way. */
const SLACK_MS = 400;
/** Clocks run up to a tenth fast or slow. */
const DRIFT = 1.12;

/** Calls that need not say what is there. */
const HINTS = new Set(["getNow"]);
/** Calls that may give what is stale; `entry` says so. */
const GIVES_STALE = new Set(["getOrCompute", "entry"]);
/** Calls that never look at a near copy. */
const PAST_NEAR = new Set(["entry", "has"]);

/** What was read although something newer had been acknowledged before the read began. */
export function staleReads(book: CacheBook, { name, isQuorum }: CachePlan, span: Span): string[] {
  const wrong: string[] = [];
  for (const key of book.keys(name)) {
    const ops = [...book.of(name, key)].filter(({ isRefused }) => !isRefused);
    for (const read of readsOf(ops, span)) {
      const writer = read.value === undefined ? undefined : book.writerOf(read.value);
      if (writer === undefined || (!isQuorum && wasShared(read, writer))) continue;
      const newer = ops.find((op) => isOver(op, read, span) && replaces(op, writer));
      if (newer !== undefined) wrong.push(`stale: ${tell(read)}, after ${tell(newer)}`);
    }
  }
  return wrong;
}

/** What was acknowledged and is not there, though nobody deleted it and it has no end. */
export function lostReads(book: CacheBook, plan: CachePlan, span: Span): string[] {
  const wrong: string[] = [];
  if (plan.mayForget) return wrong;
  for (const key of book.keys(plan.name)) {
    const ops = [...book.of(plan.name, key)].filter(({ isRefused }) => !isRefused);
    const deletions = ops.filter(({ type }) => type === "delete" || type === "untag");
    const ending = ops.filter(({ type, ttlMs }) => type === "write" && ttlMs !== Infinity);
    for (const read of readsOf(ops, span)) {
      if (read.value !== undefined) continue;
      const written = ops.find((op) => {
        const isKept = op.type === "write" && !op.isComputed && op.ttlMs === Infinity;
        return isKept && isOver(op, read, span);
      });
      if (written === undefined) continue;
      const mayBeGone = [...deletions, ...ending].some(
        ({ startedAt, endedAt }) => endedAt > written.startedAt && startedAt < read.endedAt,
      );
      if (!mayBeGone) wrong.push(`lost: ${tell(read)}, after ${tell(written)}`);
    }
  }
  return wrong;
}

/** What was read after its time was over. */
export function overdueReads(book: CacheBook, { name }: CachePlan, span: Span): string[] {
  const wrong: string[] = [];
  for (const key of book.keys(name)) {
    const ops = [...book.of(name, key)];
    for (const read of readsOf(ops, span)) {
      const writer = read.value === undefined ? undefined : book.writerOf(read.value);
      if (writer === undefined || writer.startedAt < span.from || writer.ttlMs === Infinity)
        continue;
      const { ttlMs, staleForMs } = writer;
      const allowedMs = ttlMs + (GIVES_STALE.has(read.call) ? staleForMs : 0);
      if (read.startedAt < writer.endedAt + allowedMs * DRIFT + SLACK_MS) continue;
      const isLonger = ops.some(
        ({ type, endedAt }) => type === "touch" && endedAt > writer.startedAt,
      );
      if (!isLonger)
        wrong.push(`overdue: ${tell(read)} by ${tell(writer)}, for ${writer.ttlMs} ms`);
    }
  }
  return wrong;
}

/** On one node, what was read after something newer had been read there. */
export function backwardReads(book: CacheBook, { name }: CachePlan, span: Span): string[] {
  const wrong: string[] = [];
  for (const key of book.keys(name)) {
    const newest = new Map<string, Op>();
    const reads = [...readsOf([...book.of(name, key)], span)].filter(
      ({ call, value }) => value !== undefined && !PAST_NEAR.has(call),
    );
    for (const read of reads.sort((a, b) => a.endedAt - b.endedAt)) {
      const writer = book.writerOf(read.value as string);
      const before = newest.get(read.by);
      const seen = before && book.writerOf(before.value as string);
      if (writer === undefined || (seen !== undefined && wasShared(read, writer))) continue;
      if (before !== undefined && seen !== undefined && isOlder(writer, seen)) {
        if (before.endedAt < read.startedAt)
          wrong.push(`back: ${tell(read)}, after ${tell(before)}`);
      } else newest.set(read.by, read);
    }
  }
  return wrong;
}

/**
 * Whether each key of a quorum is a register. What is not there says nothing here, since a cache may forget: `lostReads`
 * looks at that while nothing is wrong.
 */
export async function notLinearizable(book: CacheBook, { name }: CachePlan): Promise<string[]> {
  const history = book.keys(name).flatMap((key) => {
    return [...book.of(name, key)].flatMap((op) => {
      const writer = op.value === undefined ? undefined : book.writerOf(op.value);
      // What was computed where nobody could be asked was never in the cache.
      const isOutside = op.type === "read" && writer !== undefined && wasShared(op, writer);
      return op.isOwn || isOutside ? [] : operationOf(op, key);
    });
  });
  const result = await checkLinearizable(history, registerModel<string | null>(null));
  return result.ok === false ? [`not linearizable: ${result.rendering}`] : [];
}

type Operation = HistoryOperation<RegisterInput<string | null>, RegisterOutput<string | null>>;

function operationOf(op: Op, key: string): readonly Operation[] {
  const { by: process, startedAt, endedAt, type, value = null, seen, isRefused, isComputed } = op;
  if (isRefused) return [];
  const of = { process, key, startedAt, endedAt };
  if (type === "read") {
    const isAnswer = value !== null && endedAt !== Infinity;
    return isAnswer ? [{ ...of, input: { type: "read" }, output: value }] : [];
  }
  if (type === "delete") {
    return endedAt === Infinity ? [] : [{ ...of, input: { type: "write", value: null } }];
  }
  if (type !== "write") return [];
  // Whether it was kept is told to nobody.
  if (isComputed) return [{ ...of, endedAt: Infinity, input: { type: "write", value } }];
  if (seen === undefined) return [{ ...of, input: { type: "write", value } }];
  const input = { type: "compareAndSet", expected: seen, value } as const;
  return [{ ...of, input, ...(endedAt !== Infinity && { output: true }) }];
}

function* readsOf(ops: readonly Op[], { from, to }: Span): Generator<Op> {
  for (const op of ops) {
    if (op.type !== "read" || op.endedAt === Infinity || op.isOwn) continue;
    const isAnswer = op.value !== undefined || !HINTS.has(op.call);
    if (isAnswer && op.startedAt >= from && op.endedAt <= to) yield op;
  }
}

/** An operation that was acknowledged before the read began, within the span. */
function isOver({ startedAt, endedAt, type, isComputed }: Op, read: Op, { from }: Span): boolean {
  return type !== "read" && !isComputed && startedAt >= from && endedAt < read.startedAt;
}

function replaces(op: Op, writer: Op): boolean {
  if (op === writer || !isOlder(writer, op)) return false;
  if (op.type === "untag") return op.tag === writer.tag;
  return op.type === "write" || op.type === "delete";
}

function isOlder(writer: Op, than: Op): boolean {
  return (writer.isComputed ? writer.startedAt : writer.endedAt) < than.startedAt;
}

/** What one caller of a node computed is given to all callers there who asked while it did. */
function wasShared(read: Op, writer: Op): boolean {
  const isSame = read.by === writer.by && read.call === "getOrCompute" && writer.isComputed;
  return isSame && writer.endedAt > read.startedAt;
}
