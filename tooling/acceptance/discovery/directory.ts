/**
 * A directory on the virtual network: nodes announce themselves with each look and ask who did so lately.
 *
 * It forgets who does not announce, and everything when it is down, as a registry in memory does: when it comes back it
 * knows nobody at first, then some, then all.
 */
import { coreErrors, type DiscoveryStrategy } from "@foundation/core";
import { defineStrategy } from "@foundation/discovery";

const INTERVAL_MS = 5_000;
const TTL_MS = 20_000;

export interface Directory {
  readonly strategy: DiscoveryStrategy;
  /** Requests so far. */
  readonly requests: number;
  /** While true every look fails. Coming back it knows nobody. */
  isDown: boolean;
}

/**
 * Makes one. Its strategy is used by all nodes: every look says whose it is.
 *
 * @param nowMs the world's time, which is nobody's clock
 */
export function createDirectory(name: string, nowMs: () => number): Directory {
  const seenMs = new Map<string, number>();
  let isDown = false;
  let requests = 0;
  const strategy = defineStrategy({
    name,
    interval: INTERVAL_MS,
    look: ({ self }) => {
      requests += 1;
      if (isDown) {
        const details = { timeoutMs: 0, target: name };
        throw coreErrors.ERR_TIMEOUT(`The directory ${name} does not answer`, details);
      }
      seenMs.set(self.address, nowMs());
      const fresh = [...seenMs].filter(([, atMs]) => nowMs() - atMs < TTL_MS);
      return fresh.map(([address]) => ({ address }));
    },
  });
  return {
    strategy,
    get requests() {
      return requests;
    },
    get isDown() {
      return isDown;
    },
    set isDown(down) {
      if (down) seenMs.clear();
      isDown = down;
    },
  };
}
