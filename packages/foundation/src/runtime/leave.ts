/**
 * Leaving, in order: take no new work, hand over what can be handed over, tell the others, close everything.
 *
 * The whole of it is bounded by `shutdown.timeout`: an orchestrator kills what lingers, and a kill loses more than a
 * hand-over that was cut short. A step that fails is logged and does not keep the next one from running.
 */
import { parseDuration, type DisposalStack } from "@foundation/core";
import type { ClusterParts } from "./assemble.js";

/** Takes no new work and hands over what can be handed over. */
async function drainParts(parts: ClusterParts): Promise<void> {
  const { overlay, registry, config } = parts;
  overlay.drain();
  const timeout = parseDuration(config.values.shutdown.timeout, "shutdown.timeout");
  await registry.drain({ timeout });
}

/** The two ways to wind a node down. */
export interface Leaving {
  /** Leaves, once; later calls get the same promise. */
  leave(): Promise<void>;
  /** Drains; while or after the node leaves there is nothing left to drain but that leaving. */
  drain(): Promise<void>;
}

export function createLeave(parts: ClusterParts, stack: DisposalStack): Leaving {
  let leaving: Promise<void> | undefined;
  const { overlay, registry, discovery, runtime } = parts;
  const step = async (what: string, run: () => Promise<void>) => {
    try {
      await run();
    } catch (error) {
      runtime.logger.warn(`Leaving the cluster: ${what} failed`, { error });
    }
  };
  const leave = async () => {
    await step("handing processes over", () => drainParts(parts));
    await step("withdrawing the announcement", () => discovery.close());
    await step("ending processes", () => registry.close());
    await step("telling the others", () => overlay.leave());
    await step("closing", () => stack.close());
  };
  return {
    leave: () => {
      leaving ??= leave();
      return leaving;
    },
    drain: () => leaving ?? drainParts(parts),
  };
}
