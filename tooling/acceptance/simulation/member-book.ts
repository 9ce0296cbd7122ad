/**
 * MemberBook: what one start of a node was told about the others, and what of it can never be true.
 *
 * A false `node-down` is no lie under faults, and a node may come back from it. But nobody comes back from leaving, and
 * no older start of a node comes after a newer one.
 */
import type { Member } from "@foundation/core";
import { keyOf } from "./identity-book.js";

export class MemberBook {
  readonly #left = new Set<string>();
  readonly #newest = new Map<string, string>();
  readonly violations: string[] = [];

  told(type: string, node: Pick<Member, "id" | "boot">): void {
    const key = keyOf(node);
    if (type === "node-left") this.#left.add(key);
    if (type !== "node-up") return;
    if (this.#left.has(key)) this.violations.push(`${key} is up again although it has left`);
    const newest = this.#newest.get(node.id);
    if (newest === undefined || node.boot >= newest) this.#newest.set(node.id, node.boot);
    else this.violations.push(`${key} is up although its newer boot ${newest} was`);
  }

  hasLeft(key: string): boolean {
    return this.#left.has(key);
  }
}
