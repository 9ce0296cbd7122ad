/**
 * What replicas of a multi-writer map tell each other, and the check of what arrives.
 *
 * One exchange between a driver and a server goes: root → (agree | buckets) → summary → delta…,
 * want → delta… and root again. Every message makes sense alone, so any of them may be lost.
 */
import { BUCKETS, type MapLimits } from "../../limits.js";
import type { Fingerprint } from "../fingerprint.js";

/** Key, stamp, then 0 and the value, or 1 and the age of the deletion in milliseconds. */
export type WireItem<V, S> = readonly [string, S, 0, V] | readonly [string, S, 1, number];

export interface MapDelta<V, S> {
  readonly type: "delta";
  readonly items: readonly WireItem<V, S>[];
}

/** The digest of everything the sender has. */
export interface Root {
  readonly type: "root";
  readonly root: Fingerprint;
}

/** The answer to a root that is equal. */
export interface Agree {
  readonly type: "agree";
  readonly root: Fingerprint;
}

/** The answer to a root that differs: index, high, low, count of each bucket that is not empty. */
export interface Buckets {
  readonly type: "buckets";
  readonly root: Fingerprint;
  readonly buckets: readonly (readonly [number, number, number, number])[];
}

/** The keys behind `after` up to `through`, or to the end. */
export interface KeyRange {
  readonly after: string;
  readonly through: string | undefined;
}

/** All the sender has in these buckets, without values: key, stamp, low fingerprint, deleted. */
export interface Summary<S> {
  readonly type: "summary";
  readonly buckets: readonly number[];
  /** Only keys within it are meant. Absent: all of the buckets' keys. */
  readonly range?: KeyRange;
  readonly items: readonly (readonly [string, S, number, 0 | 1])[];
}

/** Ends the answer to a summary: the keys whose items the sender lacks. */
export interface Want {
  readonly type: "want";
  readonly keys: readonly string[];
}

export type MapMessage<V, S> = MapDelta<V, S> | Root | Agree | Buckets | Summary<S> | Want;

/** The message a peer sent, or what is wrong with it. */
export function parseMapMessage<V, S>(
  payload: unknown,
  limits: MapLimits,
  isStamp: (value: unknown) => value is S,
): { readonly message: MapMessage<V, S> } | { readonly problem: string } {
  if (typeof payload !== "object" || payload === null) return { problem: "not an object" };
  const problem = problemOf(payload, limits, isStamp);
  return problem === undefined ? { message: payload as MapMessage<V, S> } : { problem };
}

function problemOf<S>(
  payload: object,
  limits: MapLimits,
  isStamp: (value: unknown) => value is S,
): string | undefined {
  const message = payload as Readonly<Record<string, unknown>>;
  const keyOk = (key: unknown) => typeof key === "string" && key.length <= limits.keyBytesMax;
  switch (message["type"]) {
    case "delta":
      return every(message["items"], (item) => {
        const [key, stamp, deleted, rest] = item;
        if (item.length !== 4 || !keyOk(key) || !isStamp(stamp)) return false;
        return deleted === 0 || (deleted === 1 && isAge(rest));
      });
    case "root":
    case "agree":
      return isFingerprint(message["root"]) ? undefined : "without a digest";
    case "buckets":
      if (!isFingerprint(message["root"])) return "without a digest";
      return every(message["buckets"], ([index, high, low, count]) => {
        return isBucket(index) && isUint32(high) && isUint32(low) && isCount(count);
      });
    case "summary": {
      const buckets = message["buckets"];
      if (!Array.isArray(buckets) || !buckets.every(isBucket)) return "without buckets";
      if (!isRange(message["range"])) return "with a malformed range";
      return every(message["items"], ([key, stamp, hash, deleted]) => {
        return keyOk(key) && isStamp(stamp) && isUint32(hash) && (deleted === 0 || deleted === 1);
      });
    }
    case "want": {
      const keys = message["keys"];
      return Array.isArray(keys) && keys.every(keyOk) ? undefined : "without keys";
    }
    default:
      return "of an unknown type";
  }
}

function every(
  list: unknown,
  isWellFormed: (item: readonly unknown[]) => boolean,
): string | undefined {
  if (!Array.isArray(list)) return "without its list";
  const ok = list.every((item: unknown) => Array.isArray(item) && isWellFormed(item));
  return ok ? undefined : "with a malformed entry";
}

function isFingerprint(value: unknown): value is Fingerprint {
  if (typeof value !== "object" || value === null) return false;
  const { high, low } = value as Partial<Fingerprint>;
  return isUint32(high) && isUint32(low);
}

function isRange(value: unknown): value is KeyRange | undefined {
  if (value === undefined) return true;
  if (typeof value !== "object" || value === null) return false;
  const { after, through } = value as Partial<KeyRange>;
  return typeof after === "string" && (through === undefined || typeof through === "string");
}

function isBucket(value: unknown): value is number {
  return isCount(value) && value < BUCKETS;
}

function isUint32(value: unknown): value is number {
  return isCount(value) && value <= 0xffff_ffff;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isAge(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
