/**
 * Leaving, in order: take no new work, hand over what can be handed over, tell the others, close everything.
 *
 * The whole of it is bounded by `shutdown.timeout`: an orchestrator kills what lingers, and a kill loses more than a
 * hand-over that was cut short. A step that fails or is out of time is logged and does not keep the next one from
 * running; each gets at least `leaveStepMsMin`, so that the others are told even then. One step that is stuck costs
 * nothing beyond the bound as long as the others end; when all eight are, it is seven times `leaveStepMsMin` longer.
 */
import { coreErrors, parseDuration, type Clock, type DisposalStack } from "@foundation/core";
import { limits } from "../limits.js";
import type { ClusterParts } from "./assemble.js";

/** Takes no new work and hands over what can be handed over. */
async function drainParts(parts: ClusterParts): Promise<void> {
  const { overlay, registry, config } = parts;
  overlay.drain();
  parts.announceDraining();
  const timeout = parseDuration(config.values.shutdown.timeout, "shutdown.timeout");
  await registry.drain({ timeout });
}

/** The two ways to wind a node down. */
export interface Leaving {
  /** Leaves, once; later calls get the same promise. */
  leave(): Promise<void>;
  /** Drains, once; while or after the node leaves there is nothing left to drain but that leaving. */
  drain(): Promise<void>;
}

export function createLeave(parts: ClusterParts, stack: DisposalStack): Leaving {
  let draining: Promise<void> | undefined;
  let leaving: Promise<void> | undefined;
  const { overlay, registry, caches, consensus, discovery, runtime, config } = parts;
  const { clock, logger } = runtime;
  const drain = () => {
    draining ??= drainParts(parts);
    return draining;
  };
  const leave = async () => {
    const timeoutMs = parseDuration(config.values.shutdown.timeout, "shutdown.timeout");
    const endsAt = clock.now() + timeoutMs;
    const step = async (what: string, run: () => Promise<void>) => {
      const leftMs = Math.max(limits.leaveStepMsMin, endsAt - clock.now());
      try {
        await inTime(clock, leftMs, run());
      } catch (error) {
        logger.warn(`Leaving the cluster: ${what} failed`, { error });
      }
    };
    await step("handing processes over", drain);
    await step("withdrawing the announcement", () => discovery.close());
    await step("ending processes", () => registry.close());
    // They may have to agree on who keeps what of theirs now.
    await step("closing caches", () => caches.close());
    await step("giving locks and votes back", () => consensus.close());
    await step("telling the others", () => overlay.leave());
    await step("closing", () => stack.close());
    // Connections into a partition close late; whoever starts again on this data must not find it taken.
    await step("giving the data directory back", () => parts.releaseData());
  };
  return {
    leave: () => {
      leaving ??= leave();
      return leaving;
    },
    drain: () => leaving ?? drain(),
  };
}

/** What takes longer goes on by itself, but nobody waits for it any more. @throws {ERR_TIMEOUT} */
async function inTime(clock: Clock, timeoutMs: number, running: Promise<void>): Promise<void> {
  let late = () => {};
  const tooLate = new Promise<never>((_, reject) => {
    const message = `It took longer than ${timeoutMs} ms (shutdown.timeout): something does not end`;
    late = () => reject(coreErrors.ERR_TIMEOUT(message, { timeoutMs, target: "leave" }));
  });
  const timer = clock.setTimer(timeoutMs, () => late());
  try {
    await Promise.race([running, tooLate]);
  } finally {
    timer.cancel();
  }
}
