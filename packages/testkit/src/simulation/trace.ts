/**
 * Trace: what happened in a simulation, as a running hash of everything and a ring of the last lines.
 *
 * Every timer, frame, log line and fault goes into the hash, frames with a hash of their bytes, so two runs of one seed
 * that differ anywhere differ here. Only what a person wants to read goes into the ring, unless the trace is verbose.
 *
 * Invariant: a line holds nothing but virtual time, names and contents, so equal seeds give equal lines.
 */

/** Kept at hand: every byte of every frame comes by here, and looking up a global is slow in some test runners. */
const { imul } = Math;

/** One event, as it is printed. */
export interface TraceLine {
  readonly atMs: number;
  /** The node it happened on; "-" for the world. */
  readonly node: string;
  readonly kind: string;
  readonly text: string;
}

/** What a simulation has recorded so far. */
export interface Trace {
  /** 16 hexadecimal digits over everything that happened so far. */
  readonly hash: string;
  /** How many events went into the hash. */
  readonly events: number;
  /** The last lines, oldest first; with `match`, those it accepts. */
  lines(options?: {
    readonly last?: number;
    readonly match?: (line: TraceLine) => boolean;
  }): readonly string[];
}

export class TraceRing implements Trace {
  readonly #ring: TraceLine[] = [];
  readonly #size: number;
  readonly #verbose: boolean;
  #next = 0;
  #high = 0x811c9dc5;
  #low = 0x9e3779b9;
  events = 0;

  constructor(size: number, verbose: boolean) {
    this.#size = size;
    this.#verbose = verbose;
  }

  get hash(): string {
    const hex = (word: number) => (word >>> 0).toString(16).padStart(8, "0");
    return hex(this.#high) + hex(this.#low);
  }

  /** A line for people. */
  line(atMs: number, node: string, kind: string, text: string): void {
    this.#mixEvent(atMs, node, kind);
    this.#mixText(text);
    this.#keep({ atMs, node, kind, text });
  }

  /** What is too frequent to be read: into the hash only. */
  event(atMs: number, node: string, kind: string, value: number): void {
    this.#mixEvent(atMs, node, kind);
    this.#mix(value);
    if (this.#verbose) this.#keep({ atMs, node, kind, text: String(value >>> 0) });
  }

  lines(
    options: { readonly last?: number; readonly match?: (line: TraceLine) => boolean } = {},
  ): readonly string[] {
    const { last = this.#size, match = () => true } = options;
    const ordered = [...this.#ring.slice(this.#next), ...this.#ring.slice(0, this.#next)];
    return ordered.filter(match).slice(-last).map(format);
  }

  #keep(line: TraceLine): void {
    if (this.#ring.length < this.#size) this.#ring.push(line);
    else {
      this.#ring[this.#next] = line;
      this.#next = (this.#next + 1) % this.#size;
    }
  }

  #mixEvent(atMs: number, node: string, kind: string): void {
    this.events += 1;
    // Microseconds: fractions of a millisecond tell orders apart.
    this.#mix(Math.round(atMs * 1_000) | 0);
    this.#mixText(node);
    this.#mixText(kind);
  }

  #mixText(text: string): void {
    for (let i = 0; i < text.length; i++) this.#mix(text.charCodeAt(i));
  }

  #mix(word: number): void {
    this.#high = imul(this.#high ^ word, 0x01000193);
    this.#low = imul(this.#low ^ word ^ (this.#high >>> 15), 0x85ebca6b) + 0x27d4eb2f;
  }
}

/** A hash of a frame's bytes, for the trace: four at a time, since every byte of every frame comes by here. */
export function hashOfBytes(bytes: Uint8Array): number {
  const { length } = bytes;
  let hash = 0x811c9dc5 ^ length;
  let at = 0;
  for (; at + 4 <= length; at += 4) {
    const word =
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    hash = imul(hash ^ word, 0x01000193);
    // A product's low bits know nothing of a word's high ones: folded down, they reach the next.
    hash ^= hash >>> 15;
  }
  for (; at < length; at += 1) hash = imul(hash ^ (bytes[at] as number), 0x01000193);
  return hash >>> 0;
}

function format({ atMs, node, kind, text }: TraceLine): string {
  return `${atMs.toFixed(3).padStart(11)} ${node.padEnd(4)} ${kind.padEnd(9)} ${text}`;
}
