/** Partings: when one start of a node gives another one up for good, so that neither goes on where it was. */
import type { Clock, Member } from "@foundation/core";
import type { ChannelBook } from "./channel-book.js";
import { keyOf } from "./identity-book.js";

/** A lane is kept for a minute after `node-down`; what comes back sooner must go on. */
const KEPT_MS = 58_000;

export class Partings {
  readonly #own: string;
  readonly #clock: Clock;
  readonly #book: ChannelBook;
  /** Of a node's id: the start that was told last. */
  readonly #starts = new Map<string, string>();
  readonly #downMs = new Map<string, number>();

  constructor(own: string, clock: Clock, book: ChannelBook) {
    this.#own = own;
    this.#clock = clock;
    this.#book = book;
  }

  told(type: string, node: Pick<Member, "id" | "boot">): void {
    const key = keyOf(node);
    if (type === "node-left") this.#book.parted(this.#own, key, "it has left");
    if (type === "node-down") this.#downMs.set(key, this.#clock.now());
    if (type !== "node-up") return;
    const before = this.#starts.get(node.id);
    this.#starts.set(node.id, key);
    if (before !== undefined && before !== key) {
      this.#book.parted(this.#own, before, `its newer start ${key} is up`);
    }
    const downMs = this.#downMs.get(key) ?? Infinity;
    this.#downMs.delete(key);
    if (this.#clock.now() - downMs > KEPT_MS)
      this.#book.parted(this.#own, key, "it was down too long");
  }
}
