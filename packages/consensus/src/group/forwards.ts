/**
 * Forwards: the commands of other members, at the leader.
 *
 * One is taken only in the term it names, and its proposer learns of it by the log. Only a refusal
 * is told, which is certain. One that was lost on the way is sent again: the leader of a term keeps
 * the numbers of what it has taken in it, down to what its proposer still asks for.
 *
 * Invariant: in one term a command of one number is taken once at most.
 */
import type { Clock, NodeId } from "@foundation/core";
import type { GroupLimits } from "../limits.js";
import type { Outcome } from "../protocol/raft/inputs.js";
import { encodeCommand, isTag } from "./command.js";
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
  readonly repeats: number;
}

/** What was taken of one start of a member in one term. */
interface Taken {
  readonly tag: Uint8Array;
  readonly term: number;
  /** In the order they were taken. */
  readonly sequences: Set<number>;
}

export class Forwards {
  readonly #parts: ForwardsParts;
  readonly #open = new Map<number, Open>();
  readonly #taken = new Map<NodeId, Taken>();

  constructor(parts: ForwardsParts) {
    this.#parts = parts;
  }

  received(from: NodeId, { term, sequence, repeats, floor, tag, data }: Forward): void {
    const { driver, disk, limits, clock, time } = this.#parts;
    const core = driver.raft?.status;
    const open = { from, sequence, repeats };
    if (core?.role !== "leader" || core.term !== term) {
      // One that was sent before may have been taken while this member led; the log will tell.
      if (repeats === 0) this.#refuse(open, false);
      return;
    }
    const { sequences } = this.#takenOf(from, tag, term);
    for (const settled of sequences) {
      if (settled >= floor) break;
      sequences.delete(settled);
    }
    if (sequences.has(sequence)) return;
    const isFull =
      disk.unpersistedBytes > limits.unpersistedBytesMax ||
      this.#open.size >= limits.forwardsMax ||
      sequences.size >= limits.forwardsMax;
    if (isFull) return this.#refuse(open, true);
    const id = driver.nextRequest();
    sequences.add(sequence);
    this.#open.set(id, open);
    const timeMs = time.at(clock.now());
    driver.feed({ type: "propose", id, data: encodeCommand({ timeMs, tag, sequence, data }) });
  }

  /** False: it is none of them. */
  outcome(outcome: Outcome): boolean {
    const open = this.#open.get(outcome.id);
    if (!open) return false;
    this.#open.delete(outcome.id);
    if (outcome.type === "not-applied") {
      this.#taken.get(open.from)?.sequences.delete(open.sequence);
      this.#refuse(open, outcome.reason === "busy");
    }
    return true;
  }

  #takenOf(from: NodeId, tag: Uint8Array, term: number): Taken {
    const found = this.#taken.get(from);
    if (found?.term === term && isTag(found.tag, tag)) return found;
    const taken = { tag: tag.slice(), term, sequences: new Set<number>() };
    this.#taken.set(from, taken);
    return taken;
  }

  #refuse({ from, sequence, repeats }: Open, isBusy: boolean): void {
    this.#parts.send(from, { type: "forward-refused", sequence, repeats, isBusy });
  }
}
