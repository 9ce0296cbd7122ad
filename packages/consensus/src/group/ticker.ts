/**
 * Ticker: lets log time pass when something is due and nobody proposes anything.
 *
 * Only a leader does: it proposes an empty command at the log time the machine asked for. Where a
 * machine asks for nothing there is no timer and no tick.
 */
import type { Clock, Timer } from "@foundation/core";
import type { GroupTimes } from "../limits.js";
import type { Outcome } from "../protocol/raft/inputs.js";
import { encodeCommand, NO_SEQUENCE } from "./command.js";
import type { Driver } from "./driver.js";
import type { LogTime } from "./log-time.js";

const NOTHING = new Uint8Array(0);

export interface TickerParts {
  readonly clock: Clock;
  readonly driver: Driver;
  readonly time: LogTime;
  readonly tag: Uint8Array;
  readonly times: GroupTimes;
  wakeAt(): number | undefined;
}

export class Ticker {
  readonly #parts: TickerParts;
  #timer: Timer | undefined;
  /** What the timer waits for, in log time. */
  #timerFor: number | undefined;
  /** The tick that is proposed and not applied. */
  #underway: number | undefined;

  constructor(parts: TickerParts) {
    this.#parts = parts;
  }

  /** The machine, the time or the role may have changed. */
  update(): void {
    const { driver } = this.#parts;
    const wakeAt = driver.isLeader ? this.#parts.wakeAt() : undefined;
    if (wakeAt === this.#timerFor && this.#timer) return;
    this.#cancel();
    if (wakeAt !== undefined && this.#underway === undefined) this.#arm(wakeAt);
  }

  /** False: it was no tick. */
  outcome({ id, type }: Outcome): boolean {
    if (id !== this.#underway) return false;
    this.#underway = undefined;
    if (type === "committed") this.update();
    else this.#wait(this.#parts.times.retryMs);
    return true;
  }

  stop(): void {
    this.#cancel();
  }

  #arm(wakeAt: number): void {
    const { clock, time } = this.#parts;
    const leftMs = wakeAt - time.at(clock.now());
    if (leftMs <= 0) return this.#tick();
    this.#timerFor = wakeAt;
    this.#wait(leftMs);
  }

  #wait(delayMs: number): void {
    this.#timer?.cancel();
    this.#timer = this.#parts.clock.setTimer(Math.max(1, delayMs), () => {
      this.#cancel();
      this.update();
    });
  }

  #tick(): void {
    const { clock, driver, time, tag } = this.#parts;
    const id = driver.nextRequest();
    this.#underway = id;
    const timeMs = time.at(clock.now());
    const data = encodeCommand({ timeMs, tag, sequence: NO_SEQUENCE, data: NOTHING });
    driver.feed({ type: "propose", id, data });
  }

  #cancel(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    this.#timerFor = undefined;
  }
}
