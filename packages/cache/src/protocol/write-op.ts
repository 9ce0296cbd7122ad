/** WriteOp: what a caller wants done with a key, as its primary is told. */
import { isTexts, parseVersion, wireVersion } from "./item.js";
import { NO_VERSION, type Version } from "./version.js";

export interface WriteOp {
  readonly type: "set" | "delete" | "touch";
  readonly key: string;
  /** For `set`. */
  readonly bytes: Uint8Array | undefined;
  readonly freshForMs: number;
  /** Undefined, for `touch`: as it was. */
  readonly staleForMs: number | undefined;
  readonly tags: readonly string[];
  /** What the key must be at; `NO_VERSION`: there must be none; undefined: whatever it is. */
  readonly expected: Version | undefined;
  /** Of a grant to compute; 0: none. */
  readonly token: number;
}

/** What became of it. `superseded`: newer data came since the computation began; `conflict`: not what was expected. */
export type WriteResult =
  | { readonly type: "done"; readonly existed: boolean }
  | { readonly type: "conflict" }
  | { readonly type: "superseded" };

const TYPES = ["set", "delete", "touch"] as const;

export function wireOfOp(op: WriteOp): readonly unknown[] {
  return [
    TYPES.indexOf(op.type),
    op.key,
    op.bytes ?? null,
    op.freshForMs === Infinity ? null : op.freshForMs,
    op.staleForMs ?? null,
    op.tags,
    op.expected === undefined ? null : wireVersion(op.expected),
    op.token,
  ];
}

/** The op, or undefined when it is none. */
export function parseOp(wire: unknown): WriteOp | undefined {
  if (!Array.isArray(wire) || wire.length !== 8) return undefined;
  const [index, key, bytes, fresh, stale, tags, expected, token] = wire as unknown[];
  const type = typeof index === "number" ? TYPES[index] : undefined;
  if (type === undefined || typeof key !== "string" || !isTexts(tags)) return undefined;
  if (bytes !== null && !(bytes instanceof Uint8Array)) return undefined;
  if (type === "set" && bytes === null) return undefined;
  if (!isTimeOrNull(fresh) || !isTimeOrNull(stale) || typeof token !== "number") return undefined;
  const version = expected === null ? undefined : parseVersion(expected);
  if (expected !== null && version === undefined) return undefined;
  return {
    type,
    key,
    bytes: bytes ?? undefined,
    freshForMs: fresh ?? Infinity,
    staleForMs: stale ?? undefined,
    tags,
    expected: version,
    token,
  };
}

/** A plain deletion. */
export function deletionOf(key: string): WriteOp {
  return {
    type: "delete",
    key,
    bytes: undefined,
    freshForMs: Infinity,
    staleForMs: 0,
    tags: [],
    expected: undefined,
    token: 0,
  };
}

export function isFree(expected: Version): boolean {
  return expected.epoch === NO_VERSION.epoch && expected.counter === NO_VERSION.counter;
}

function isTimeOrNull(value: unknown): value is number | null {
  return value === null || (typeof value === "number" && Number.isFinite(value) && value >= 0);
}
