/**
 * Arrivals: how many datagrams are looked at, of one source and of all, before anything of them is read.
 *
 * Anybody on a network can send, and from any source address. So reading is bounded as a whole, and one loud source
 * does not take what the others need. Pure: two levels of token buckets, time comes in.
 *
 * Invariant: at most `sourcesMax` buckets are kept; a forgotten source begins with a full one.
 */
import { lanLimits } from "./limits.js";

interface Bucket {
  tokens: number;
  atMs: number;
}

/** What was done with the datagrams so far. */
export interface ArrivalCounts {
  readonly admitted: number;
  /** Dropped: their source sent too many. */
  readonly source: number;
  /** Dropped: all sources together sent too many. */
  readonly whole: number;
}

/** Admits datagrams at a bounded rate; see the module. */
export class Arrivals {
  readonly #sources = new Map<string, Bucket>();
  readonly #whole: Bucket = { tokens: lanLimits.arrivalsBurst, atMs: 0 };
  #admitted = 0;
  #source = 0;
  #dropped = 0;

  get counts(): ArrivalCounts {
    return { admitted: this.#admitted, source: this.#source, whole: this.#dropped };
  }

  /** Sources that are remembered. */
  get size(): number {
    return this.#sources.size;
  }

  /** True: read it. */
  admit(source: string, nowMs: number): boolean {
    const own = this.#bucketOf(source, nowMs);
    const { arrivalsPerSourcePerSecond: ownRate, arrivalsPerSourceBurst: ownBurst } = lanLimits;
    // The source pays first: a loud one must not use up what is everybody's.
    if (!take(own, ownRate, ownBurst, nowMs)) {
      this.#source += 1;
      return false;
    }
    if (!take(this.#whole, lanLimits.arrivalsPerSecond, lanLimits.arrivalsBurst, nowMs)) {
      this.#dropped += 1;
      return false;
    }
    this.#admitted += 1;
    return true;
  }

  #bucketOf(source: string, nowMs: number): Bucket {
    const known = this.#sources.get(source);
    const bucket = known ?? { tokens: lanLimits.arrivalsPerSourceBurst, atMs: nowMs };
    // Set anew, so that the order of the map is the order of last use.
    this.#sources.delete(source);
    this.#sources.set(source, bucket);
    const [oldest] = this.#sources.keys();
    if (this.#sources.size > lanLimits.sourcesMax && oldest !== undefined) {
      this.#sources.delete(oldest);
    }
    return bucket;
  }
}

function take(bucket: Bucket, perSecond: number, burst: number, nowMs: number): boolean {
  const gained = (Math.max(0, nowMs - bucket.atMs) * perSecond) / 1_000;
  bucket.tokens = Math.min(burst, bucket.tokens + gained);
  bucket.atMs = nowMs;
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}
