/** GroupMetrics: what a member counts, by Prometheus' names, each with the label `group`. */
import type { Meter } from "@foundation/core";
import type { RaftCounter, Role } from "../protocol/raft/inputs.js";

const PREFIX = "consensus";

interface Counter {
  add(count?: number): void;
}

export class GroupMetrics {
  readonly #meter: Meter;
  readonly #labels: { readonly group: string };
  readonly #events = new Map<RaftCounter, Counter>();
  readonly #applied: Counter;
  readonly #appliedIndex: { set(value: number): void };
  readonly #term: { set(value: number): void };
  readonly #isLeader: { set(value: number): void };
  readonly #hasLeader: { set(value: number): void };
  readonly #malformed: Counter;
  readonly #unsent: Counter;
  readonly #snapshots: Counter;
  readonly #failures: Counter;

  constructor(meter: Meter, group: string) {
    const labels = { group };
    this.#meter = meter;
    this.#labels = labels;
    const counter = (name: string, help: string): Counter =>
      meter.counter(`${PREFIX}_${name}_total`, help, labels);
    const gauge = (name: string, help: string) => meter.gauge(`${PREFIX}_${name}`, help, labels);
    this.#applied = counter("applied_log_bytes", "Size of the log applied by this member.");
    this.#appliedIndex = gauge("applied_index", "The last entry this member's machine holds.");
    this.#term = gauge("term", "The term of the group this member knows.");
    this.#isLeader = gauge("is_leader", "1 while this member leads.");
    this.#hasLeader = gauge("has_leader", "1 while this member knows a leader.");
    this.#malformed = counter(
      "malformed_messages",
      "Messages that made no sense and were dropped.",
    );
    this.#unsent = counter("unsent_messages", "Messages for which the link had no room.");
    this.#snapshots = counter("snapshots_taken", "Snapshots this member took.");
    this.#failures = counter("member_failures", "How often this member had to stop.");
  }

  applied(index: number, sizeBytes: number): void {
    this.#appliedIndex.set(index);
    this.#applied.add(sizeBytes);
  }

  status(role: Role, term: number, hasLeader: boolean): void {
    this.#term.set(term);
    this.#isLeader.set(role === "leader" ? 1 : 0);
    this.#hasLeader.set(hasLeader ? 1 : 0);
  }

  malformed(): void {
    this.#malformed.add();
  }

  unsent(): void {
    this.#unsent.add();
  }

  snapshotTaken(): void {
    this.#snapshots.add();
  }

  failed(): void {
    this.#failures.add();
  }

  /** What the core counts: elections, snapshots, rounds of reads, … */
  event(name: RaftCounter): void {
    let counter = this.#events.get(name);
    if (!counter) {
      const labels = { ...this.#labels, event: name };
      counter = this.#meter.counter(`${PREFIX}_events_total`, "What the core counted.", labels);
      this.#events.set(name, counter);
    }
    counter.add();
  }
}
