/**
 * CacheBook: what users of the caches asked and were told, kept outside of the nodes.
 *
 * Every written value is one of its kind, so that what is read can be traced to who wrote it. Moments are of the world's
 * clock and strictly ordered: what was told first, happened first. What a caller was not told may have happened, and may
 * happen later; what was refused as `retryable` must never be seen.
 */
import { isFoundationError } from "@foundation/core";

export type OpType = "write" | "read" | "delete" | "untag" | "touch";

export interface Op {
  readonly cache: string;
  /** Of `clear` and `invalidateTag`: every key, "". */
  readonly key: string;
  readonly type: OpType;
  /** The call. */
  readonly call: string;
  /** The start of a node it was made on. */
  readonly by: string;
  readonly startedAt: number;
  /** Infinity: it was not answered. */
  endedAt: number;
  isRefused: boolean;
  /** Written, or read; undefined: none. */
  value: string | undefined;
  /** Of an update: what it replaced. */
  seen?: string | undefined;
  /** A value that was computed counts from when that began: it may be kept while nothing newer came. */
  readonly isComputed: boolean;
  /** Of a read: the caller computed the value itself, kept or not. */
  isOwn: boolean;
  readonly tag: string | undefined;
  /** Infinity: no end. */
  readonly ttlMs: number;
  /** After that, `getOrCompute` may give it so much longer. */
  readonly staleForMs: number;
}

export type Asked = Pick<Op, "cache" | "key" | "type" | "call" | "by"> &
  Partial<Pick<Op, "value" | "isComputed" | "tag" | "ttlMs" | "staleForMs">>;

export class CacheBook {
  readonly ops: Op[] = [];
  readonly violations: string[] = [];
  readonly #now: () => number;
  readonly #byValue = new Map<string, Op>();
  /** Errors that callers were told since `beStrict`, which is while nothing is wrong. */
  #isStrict = false;
  #latest = 0;
  #values = 0;

  constructor(now: () => number) {
    this.#now = now;
  }

  /** Now, and later than any moment before. */
  moment(): number {
    this.#latest = Math.max(this.#now(), this.#latest + 1e-6);
    return this.#latest;
  }

  /** From now on an error is a violation, or no longer. */
  beStrict(isStrict: boolean): void {
    this.#isStrict = isStrict;
  }

  /** A value that nobody has written yet. */
  newValue(cache: string, key: string): string {
    this.#values += 1;
    return `${cache}/${key}/${this.#values}`;
  }

  begin(asked: Asked): Op {
    const op: Op = {
      ...{ value: undefined, isComputed: false, tag: undefined },
      ...{ ttlMs: Infinity, staleForMs: 0 },
      ...asked,
      startedAt: this.moment(),
      endedAt: Infinity,
      isRefused: false,
      isOwn: false,
    };
    this.ops.push(op);
    if (op.type === "write" && op.value !== undefined) this.#byValue.set(op.value, op);
    return op;
  }

  done(op: Op, value = op.value): void {
    op.endedAt = this.moment();
    if (op.type === "read") this.#read(op, value);
  }

  failed(op: Op, error: unknown): void {
    // Of many keys at once some may have been reached.
    const isWhole = op.key !== "";
    op.isRefused = isWhole && isFoundationError(error) && error.retryable;
    if (!isFoundationError(error)) this.violations.push(`${tell(op)} threw ${String(error)}`);
    else if (this.#isStrict) {
      this.violations.push(`${tell(op)} failed while nothing was wrong: ${error.code}`);
    }
  }

  /** Who wrote a value. */
  writerOf(value: string): Op | undefined {
    return this.#byValue.get(value);
  }

  /** The answered and the open operations of one cache that concern a key. */
  *of(cache: string, key: string): Generator<Op> {
    for (const op of this.ops) {
      if (op.cache === cache && (op.key === key || op.key === "")) yield op;
    }
  }

  keys(cache: string): readonly string[] {
    const keys = new Set<string>();
    for (const op of this.ops) if (op.cache === cache && op.key !== "") keys.add(op.key);
    return [...keys].sort();
  }

  #read(op: Op, value: string | undefined): void {
    op.value = value;
    if (value === undefined) return;
    const writer = this.#byValue.get(value);
    if (writer?.cache !== op.cache || writer.key !== op.key) {
      this.violations.push(`${tell(op)}: nobody wrote that`);
    } else if (writer.isRefused) {
      this.violations.push(`${tell(op)}: ${tell(writer)} was refused, and is there`);
    }
  }
}

/** An operation for people. */
export function tell({ by, call, cache, key, value, startedAt, endedAt }: Op): string {
  const end = endedAt === Infinity ? "not answered" : ms(endedAt);
  return `${by} ${cache}.${call}(${key}) ${value ?? "-"} [${ms(startedAt)} … ${end}]`;
}

function ms(time: number): string {
  return String(Math.round(time * 1_000) / 1_000);
}
