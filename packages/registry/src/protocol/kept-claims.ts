/**
 * KeptClaims: claims as they stand in this node's memory, small because there may be very many and each look-up reads one.
 *
 * A name that belongs to no supervised child and has nothing beside it is one number, of the process's serial and the code
 * of its definition: it lies in the entry itself, so reading it touches no further memory. Codes are given in the order in
 * which this node meets definitions and mean nothing to others, who are told the claim in full.
 *
 * Invariant: what `tell` gives of a kept claim is kept again, on any node, as the same claim.
 * Limits: `sharedTextsMax`; `CODES`, behind which a claim is kept as it travels.
 */
import type { ClaimValue } from "./name-resolution.js";
import { keptClaim, unpackClaim, type NameValue } from "./name-value.js";

/** Of a claim to a name: a number, or as it travels; null is none. */
export type KeptClaim = number | NameValue;

/** Definitions that have a code; the first means that it is not known. So the serials up to two millions fit a small integer. */
const CODES = 1_024;

export class KeptClaims {
  readonly #textsMax: number;
  /** Each text once, with its code; from `CODES` on a number that is none. */
  readonly #codes = new Map<string, number>();
  readonly #texts: (string | undefined)[] = [undefined];
  readonly #share = (text: string) => this.#shared(text);

  constructor(textsMax: number) {
    this.#textsMax = textsMax;
  }

  /** What is kept of a value that came from anywhere; null when it is no claim. */
  keep(value: unknown): KeptClaim | null {
    const claim = keptClaim(value, this.#share);
    if (claim === null || "i" in claim) return claim;
    const code = claim.d === undefined ? 0 : this.#codes.get(claim.d);
    const isSmall = code !== undefined && code < CODES;
    const kept = isSmall ? claim.s * CODES + code : Number.NaN;
    return Number.isSafeInteger(kept) ? kept : claim;
  }

  /** What others are told of it. */
  tell(kept: KeptClaim): NameValue {
    if (typeof kept !== "number") return kept;
    return { s: this.serialOf(kept), d: this.definitionOf(kept) };
  }

  valueOf(kept: KeptClaim): ClaimValue {
    return unpackClaim(this.tell(kept));
  }

  serialOf(kept: KeptClaim): number {
    return typeof kept === "number" ? Math.floor(kept / CODES) : kept.s;
  }

  definitionOf(kept: KeptClaim): string | undefined {
    return typeof kept === "number" ? this.#texts[kept % CODES] : kept.d;
  }

  /** What is kept beside the name. */
  metaOf(kept: KeptClaim): unknown {
    return typeof kept === "object" && "m" in kept ? kept.m : undefined;
  }

  #shared(text: string): string {
    const code = this.#codes.get(text);
    if (code !== undefined) return this.#texts[code] as string;
    if (this.#texts.length <= this.#textsMax) {
      this.#codes.set(text, this.#texts.length);
      this.#texts.push(text);
    }
    return text;
  }
}
