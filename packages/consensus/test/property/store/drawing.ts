/** Draws requests of a store: few keys, so that they meet; keys whose order in bytes is not that of JavaScript among them. */
import type { Random } from "@foundation/core/ports";
import {
  type Comparison,
  type KeyRange,
  type Operation,
  rangeOf,
  type Transaction,
} from "../../../src/engine/engine.js";
import { checkRequest } from "../../../src/protocol/store/check-request.js";
import { STORE_LIMITS } from "../../../src/protocol/store/limits.js";

const KEYS = [
  "a",
  "a/1",
  "a/2",
  "a/\uffff",
  "a/\u{10000}",
  "a0",
  "b",
  "b\0",
  "é",
  "\ud7ff",
  "\ue000",
  "😀",
];

/** What a drawing has to know of the store. */
export interface Known {
  readonly revision: number;
  readonly compacted: number;
  readonly leases: readonly string[];
}

export class Drawing {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  below(limit: number): number {
    return Math.floor(this.#random.next() * limit);
  }

  chance(part: number): boolean {
    return this.#random.next() < part;
  }

  one<Item>(items: readonly Item[]): Item {
    return items[this.below(items.length)] as Item;
  }

  bytes(max: number): Uint8Array {
    return this.#random.secret(this.below(max + 1));
  }

  key(): string {
    return this.one(KEYS);
  }

  range(): KeyRange {
    const kind = this.below(4);
    if (kind === 0) return { key: this.key() };
    if (kind === 1) return rangeOf(this.one(["", "a", "a/", "b"]));
    return { key: kind === 2 ? "" : this.key(), end: this.key() };
  }

  /** One that no store refuses for its form. */
  transaction(known: Known): Transaction {
    for (;;) {
      const transaction: Transaction = {
        if: this.some(2, () => this.comparison(known)),
        then: this.some(4, () => this.operation(known)),
        ...(this.chance(0.5) && { else: this.some(3, () => this.operation(known)) }),
      };
      if (!checkRequest({ type: "txn", transaction }, STORE_LIMITS)) return transaction;
    }
  }

  comparison({ revision, leases }: Known): Comparison {
    const key = this.key();
    const equal = this.one(["=", "!="] as const);
    switch (this.below(5)) {
      case 0:
        return { key, target: "value", is: equal, than: this.bytes(1) };
      case 1:
        return { key, target: "lease", is: equal, than: this.one([undefined, ...leases]) };
      default: {
        const target = this.one(["version", "createRevision", "modRevision"] as const);
        const than = target === "version" ? this.below(3) : this.below(revision + 2);
        return { key, target, is: this.one(["=", "!=", "<", ">"] as const), than };
      }
    }
  }

  operation({ revision, compacted, leases }: Known): Operation {
    const kind = this.below(10);
    if (kind < 5) {
      const lease = this.chance(0.3) ? this.one(["999", ...leases, ...leases]) : undefined;
      const value = this.bytes(2);
      return { type: "put", key: this.key(), value, ...(lease !== undefined && { lease }) };
    }
    if (kind < 7) return { type: "delete", ...this.range() };
    // Mostly of what can be read, sometimes of what is forgotten or to come.
    const past = Math.max(1, compacted - 1 + this.below(revision - compacted + 3));
    return {
      type: "range",
      ...this.range(),
      ...(this.chance(0.3) && { limit: 1 + this.below(4) }),
      ...(this.chance(0.5) && { revision: past }),
      ...(this.chance(0.2) && { keysOnly: true }),
    };
  }

  some<Item>(max: number, draw: () => Item): Item[] {
    return Array.from({ length: this.below(max + 1) }, draw);
  }
}
