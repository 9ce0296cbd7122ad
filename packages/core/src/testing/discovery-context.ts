/** discoveryContext: what a strategy under test is given, by a world of its own where the test names none. */
import { createNodeId } from "../ids/node-id.js";
import type { DiscoveryContext } from "../ports/discovery-strategy.js";
import { recordingLogger } from "./recording-logger.js";
import { seededRandom } from "./seeded-random.js";
import { virtualClock } from "./virtual-clock.js";

/** A context with these parts; the rest is virtual time, seeded chance, no secret, and nobody to report to. */
export function discoveryContext(parts: Partial<DiscoveryContext> = {}): DiscoveryContext {
  const random = parts.random ?? seededRandom("discovery-context");
  return {
    cluster: "test",
    self: { id: createNodeId(random), address: "ws://127.0.0.1:7000", name: "test" },
    signal: new AbortController().signal,
    draining: new AbortController().signal,
    secrets: [],
    clock: parts.clock ?? virtualClock(),
    random,
    logger: recordingLogger(),
    report: () => {},
    trace: () => {},
    ...parts,
  };
}
