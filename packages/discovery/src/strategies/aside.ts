/**
 * Asides: problems that people should hear of, and that say nothing against the strategy as a whole: a stranger's
 * datagram, one endpoint of a hundred that cannot be dialled, one of several strategies that fails while another works.
 *
 * Whoever asks whether a strategy works must not be told by them: `fallback` would leave one that does, and the first
 * round of discovery would end before anybody has answered.
 *
 * Invariant: a problem is marked only while it is reported, for the same error may be reported again as a failure.
 */
import type { DiscoveryContext, FoundationError } from "@foundation/core";

const marked = new WeakSet<FoundationError>();

/** What these say of a backend: it answers. */
const HINTS: ReadonlySet<string> = new Set([
  "ERR_ANNOUNCEMENT_UNREADABLE",
  "ERR_DISCOVERY_PARTIAL",
  "ERR_KUBERNETES_ENDPOINT",
  "ERR_LAN_FLOODED",
  "ERR_LAN_STRANGER",
  "ERR_LAN_UNREACHABLE",
  "ERR_LAN_UNREADABLE",
]);

/** True for a problem in spite of which its strategy works. */
export function isAside(problem: FoundationError): boolean {
  return marked.has(problem) || HINTS.has(problem.code);
}

/** Reports a problem in spite of which the strategy works. */
export function reportAside(
  context: Pick<DiscoveryContext, "report">,
  problem: FoundationError,
): void {
  marked.add(problem);
  try {
    context.report(problem);
  } finally {
    marked.delete(problem);
  }
}
