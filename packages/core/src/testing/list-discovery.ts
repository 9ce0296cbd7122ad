/** ListDiscovery: the twin of DiscoveryStrategy. A test sets who is found, and when a look-up fails. */
import type { FoundationError } from "../errors/foundation-error.js";
import type {
  DiscoveryContext,
  DiscoveryStrategy,
  Peer,
  PeerSet,
} from "../ports/discovery-strategy.js";

/** A strategy for tests; see `listDiscovery`. */
export interface ListDiscovery extends DiscoveryStrategy {
  /** What every running and later `discover` yields from now on. */
  set(peers: readonly (Peer | string)[]): void;
  /** Reports a failed look-up to everybody who is discovering; nothing is yielded. */
  fail(problem: FoundationError): void;
  /** The addresses announced at the moment. */
  readonly announced: readonly string[];
}

interface Watcher {
  readonly context: DiscoveryContext;
  /** The newest set that was not yielded yet: a full set makes an older one worthless. */
  pending: boolean;
  wake: () => void;
}

/** A strategy that finds what a test sets. Addresses stand for peers without a known id. */
export function listDiscovery(initial: readonly (Peer | string)[] = []): ListDiscovery {
  const watchers = new Set<Watcher>();
  let peers = initial.map(peerOf);
  return {
    name: "list",
    discover: (context) => watch(watchers, context, () => peers),
    set: (next) => {
      peers = next.map(peerOf);
      for (const watcher of watchers) {
        watcher.pending = true;
        watcher.wake();
      }
    },
    fail: (problem) => {
      for (const { context } of watchers) context.report(problem);
    },
    get announced() {
      return [...watchers].map(({ context }) => context.self.address);
    },
  };
}

async function* watch(
  watchers: Set<Watcher>,
  context: DiscoveryContext,
  current: () => readonly Peer[],
): AsyncGenerator<PeerSet> {
  const { signal } = context;
  const watcher: Watcher = { context, pending: true, wake: () => {} };
  const abort = () => watcher.wake();
  signal.addEventListener("abort", abort, { once: true });
  watchers.add(watcher);
  try {
    while (!signal.aborted) {
      if (watcher.pending) {
        watcher.pending = false;
        yield { source: "list", peers: current() };
      } else {
        await new Promise<void>((resolve) => {
          watcher.wake = resolve;
        });
      }
    }
  } finally {
    watchers.delete(watcher);
    signal.removeEventListener("abort", abort);
  }
}

function peerOf(peer: Peer | string): Peer {
  return typeof peer === "string" ? { address: peer } : peer;
}
