/**
 * Notices: what this node still owes the watchers of its processes on other nodes, each told until it has answered.
 *
 * A link may break, or drop its queue, under a notice that was written; a watcher that was told once and did not hear it
 * would wait for ever. So a notice is a request, and it is made again until it is answered or its watcher has gone.
 *
 * Invariants: one request to a watcher at a time, so notices arrive in the order they were added; a notice arrives after
 * everything that was sent before it, by any lane; the same notice may arrive twice, and the watcher must not mind.
 */
import type { NodeId, Pid, Timer } from "@foundation/core";
import { CHANNEL, type Wiring } from "../wiring.js";

/** One ended process: its pid and why, as they travel, and where it went if it moved. */
export type DownNotice = readonly [pid: unknown, reason: unknown, to?: Pid];

interface Debt {
  readonly downs: DownNotice[];
  /** This node no longer knows what the watcher watches here. */
  hasForgotten: boolean;
  isTelling: boolean;
  timer: Timer | undefined;
}

export const DOWN = "process.down";
export const FORGOTTEN = "process.forgotten";

export class Notices {
  readonly #wiring: Wiring;
  readonly #debts = new Map<NodeId, Debt>();
  #closed = false;

  constructor(wiring: Wiring) {
    this.#wiring = wiring;
  }

  down(watcher: NodeId, notice: DownNotice): void {
    const debt = this.#debtTo(watcher);
    debt.downs.push(notice);
    this.#tellSoon(watcher, debt);
  }

  forgotten(watcher: NodeId): void {
    const debt = this.#debtTo(watcher);
    debt.hasForgotten = true;
    this.#tellSoon(watcher, debt);
  }

  /** The watcher's node has gone: nothing is owed to it any more. True when something was. */
  cancel(watcher: NodeId): boolean {
    const debt = this.#debts.get(watcher);
    debt?.timer?.cancel();
    return this.#debts.delete(watcher);
  }

  close(): void {
    this.#closed = true;
    for (const watcher of this.#debts.keys()) this.cancel(watcher);
  }

  #debtTo(watcher: NodeId): Debt {
    let debt = this.#debts.get(watcher);
    if (debt === undefined) {
      debt = { downs: [], hasForgotten: false, isTelling: false, timer: undefined };
      if (!this.#closed) this.#debts.set(watcher, debt);
    }
    return debt;
  }

  #tellSoon(watcher: NodeId, debt: Debt): void {
    if (!debt.isTelling) void this.#tell(watcher, debt);
  }

  async #tell(watcher: NodeId, debt: Debt): Promise<void> {
    const { clock, limits, logger } = this.#wiring;
    debt.isTelling = true;
    while (this.#debts.get(watcher) === debt) {
      const downs = debt.downs.slice(0, limits.noticesAtOnceMax);
      if (!debt.hasForgotten && downs.length === 0) {
        this.#debts.delete(watcher);
        return;
      }
      try {
        if (debt.hasForgotten) await this.#request(watcher, FORGOTTEN, undefined);
        else await this.#request(watcher, DOWN, downs);
        if (debt.hasForgotten) debt.hasForgotten = false;
        else debt.downs.splice(0, downs.length);
      } catch (error) {
        logger.debug("A watcher could not be told; it is told again", { to: watcher, error });
        await new Promise<void>((resolve) => {
          debt.timer = clock.setTimer(limits.noticeRetryMs, resolve);
        });
      }
    }
  }

  #request(to: NodeId, subject: string, payload: unknown): Promise<unknown> {
    const { messenger, limits } = this.#wiring;
    // What an ended process has said last may still be on its way by another lane.
    const route = { to, channel: CHANNEL, subject, fence: true };
    return messenger.request(route, payload, { timeoutMs: limits.timeoutMs });
  }
}
