/**
 * Forwards: the commands of other members, at the leader.
 *
 * One is taken only in the term it names, and its proposer learns of it by the log. Only a refusal
 * is told, which is certain.
 */
import type { Clock, NodeId } from "@foundation/core";
import type { GroupLimits } from "../limits.js";
import type { Outcome } from "../protocol/raft/inputs.js";
import { encodeCommand } from "./command.js";
import type { Disk } from "./disk.js";
import type { Driver } from "./driver.js";
import type { LogTime } from "./log-time.js";
import type { Forward, ForwardRefused } from "./wire/peer-message.js";

export interface ForwardsParts {
  readonly clock: Clock;
  readonly driver: Driver;
  readonly disk: Disk;
  readonly time: LogTime;
  readonly limits: GroupLimits;
  send(to: NodeId, message: ForwardRefused): void;
}

interface Open {
  readonly from: NodeId;
  readonly sequence: number;
}

export class Forwards {
  readonly #parts: ForwardsParts;
  readonly #open = new Map<number, Open>();

  constructor(parts: ForwardsParts) {
    this.#parts = parts;
  }

  received(from: NodeId, { term, sequence, tag, data }: Forward): void {
    const { driver, disk, limits, clock, time } = this.#parts;
    const core = driver.raft?.status;
    if (core?.role !== "leader" || core.term !== term) return this.#refuse(from, sequence, false);
    const isFull =
      disk.unpersistedBytes > limits.unpersistedBytesMax || this.#open.size >= limits.forwardsMax;
    if (isFull) return this.#refuse(from, sequence, true);
    const id = driver.nextRequest();
    this.#open.set(id, { from, sequence });
    const timeMs = time.at(clock.now());
    driver.feed({ type: "propose", id, data: encodeCommand({ timeMs, tag, sequence, data }) });
  }

  /** False: it is none of them. */
  outcome(outcome: Outcome): boolean {
    const open = this.#open.get(outcome.id);
    if (!open) return false;
    this.#open.delete(outcome.id);
    if (outcome.type === "not-applied") {
      this.#refuse(open.from, open.sequence, outcome.reason === "busy");
    }
    return true;
  }

  #refuse(to: NodeId, sequence: number, isBusy: boolean): void {
    this.#parts.send(to, { type: "forward-refused", sequence, isBusy });
  }
}
