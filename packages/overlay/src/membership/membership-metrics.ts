/** MembershipMetrics: the instruments of membership, asked for once and kept. */
import type { MembershipEvent, Meter } from "@foundation/core";
import type { MembershipCounter } from "../protocol/membership/effects.js";
import type { MembershipReport } from "../protocol/membership/view.js";

type Counter = ReturnType<Meter["counter"]>;
type Gauge = ReturnType<Meter["gauge"]>;

export class MembershipMetrics {
  readonly #meter: Meter;
  readonly #events = new Map<MembershipEvent["type"], Counter>();
  readonly #signs = new Map<MembershipCounter, Counter>();
  readonly #members: Gauge;
  readonly #suspects: Gauge;
  readonly #health: Gauge;

  constructor(meter: Meter) {
    this.#meter = meter;
    this.#members = meter.gauge(
      "membership_members",
      "Members as this node sees them, itself included.",
    );
    this.#suspects = meter.gauge("membership_suspects", "Members under suspicion.");
    const help = "Lifeguard's local health: 0 is well, 8 is very slow.";
    this.#health = meter.gauge("membership_local_health_score", help);
  }

  event(type: MembershipEvent["type"]): void {
    let counter = this.#events.get(type);
    if (!counter) {
      const help = "Changes told to the application, by type.";
      counter = this.#meter.counter("membership_events_total", help, { type });
      this.#events.set(type, counter);
    }
    counter.add();
  }

  sign(sign: MembershipCounter): void {
    let counter = this.#signs.get(sign);
    if (!counter) {
      const help = "What the failure detector and gossip noticed, by kind.";
      counter = this.#meter.counter("membership_signs_total", help, { sign });
      this.#signs.set(sign, counter);
    }
    counter.add();
  }

  report(report: MembershipReport): void {
    this.#members.set(report.members);
    this.#suspects.set(report.suspects);
    this.#health.set(report.localHealth);
  }
}
