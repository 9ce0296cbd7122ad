/**
 * SimulatedDiscovery: a directory outside of the cluster, as a cloud's API is: nodes announce themselves and ask for all.
 *
 * A crashed node's announcement stays for a while. The directory is reached over no simulated link: a partition of the
 * nodes does not hide it, an outage of its own does.
 */
import { coreErrors } from "@foundation/core";
import type { Clock, DiscoveryStrategy, Peer } from "@foundation/core/ports";
import { simulationLimits } from "./limits.js";

interface Announcement {
  readonly peer: Peer;
  /** When it disappears by itself, for a node that died. */
  untilMs: number;
}

export class SimulatedDiscovery {
  readonly #clock: Clock;
  readonly #announcements = new Map<string, Announcement>();
  /** While true, every look-up fails. */
  isOut = false;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** The strategy of one node. */
  strategy(): DiscoveryStrategy {
    const announcements = this.#announcements;
    const lookUp = () => this.#lookUp();
    const isOut = () => this.isOut;
    return {
      name: "simulated",
      async *discover({ self, signal, clock, random, report }) {
        const announcement = { peer: { address: self.address, id: self.id }, untilMs: Infinity };
        announcements.set(self.address, announcement);
        try {
          while (!signal.aborted) {
            if (isOut()) report(outage());
            else yield { source: "simulated", peers: lookUp() };
            const pauseMs = simulationLimits.discoveryPollMs * (0.75 + random.next() / 2);
            await clock.sleep(pauseMs, { signal }).catch(() => undefined);
          }
        } finally {
          if (announcements.get(self.address) === announcement) announcements.delete(self.address);
        }
      },
    };
  }

  /** A node died without withdrawing what it announced. */
  died(host: string): void {
    const untilMs = this.#clock.now() + simulationLimits.announcementTtlMs;
    for (const [address, announcement] of this.#announcements) {
      if (address.startsWith(`sim://${host}:`)) announcement.untilMs = untilMs;
    }
  }

  #lookUp(): readonly Peer[] {
    const nowMs = this.#clock.now();
    for (const [address, { untilMs }] of this.#announcements) {
      if (untilMs <= nowMs) this.#announcements.delete(address);
    }
    return [...this.#announcements.values()].map(({ peer }) => peer);
  }
}

function outage(): ReturnType<typeof coreErrors.ERR_TIMEOUT> {
  const details = { timeoutMs: 0, target: "simulated discovery" };
  return coreErrors.ERR_TIMEOUT("The simulated discovery does not answer", details);
}
