/**
 * MailboxShares: how many messages for one handler may wait, within the limit of the whole mailbox.
 *
 * So that a flood of one kind of message, which a slow handler works off, leaves room for the others.
 *
 * Invariant: the count of a handler is that of its messages in the mailbox; handlers without a share are
 * not counted.
 */
import { assert } from "../../assert.js";
import type { Delivery } from "../kernel-port.js";

export class MailboxShares {
  readonly #shares: Readonly<Record<string, number>>;
  readonly #waiting = new Map<string, number>();

  /** `shares`: an object without a prototype. */
  constructor(shares: Readonly<Record<string, number>>) {
    this.#shares = shares;
  }

  /** False when as many messages of its kind wait as may. */
  mayTake(message: Delivery): boolean {
    const handler = handlerOf(message);
    const share = handler === undefined ? undefined : this.#shares[handler];
    return share === undefined || (this.#waiting.get(handler as string) ?? 0) < share;
  }

  came(message: Delivery): void {
    this.#count(message, 1);
  }

  left(message: Delivery): void {
    this.#count(message, -1);
  }

  #count(message: Delivery, by: 1 | -1): void {
    const handler = handlerOf(message);
    if (handler === undefined || this.#shares[handler] === undefined) return;
    const waiting = (this.#waiting.get(handler) ?? 0) + by;
    assert(waiting >= 0, "no more messages leave a mailbox than came");
    if (waiting === 0) this.#waiting.delete(handler);
    else this.#waiting.set(handler, waiting);
  }
}

function handlerOf(message: Delivery): string | undefined {
  return message.type === "call" || message.type === "cast" ? message.handler : undefined;
}
