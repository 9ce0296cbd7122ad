/**
 * ChildRun: one strategy that runs inside another (`union`, `fallback`).
 *
 * It is started again with growing pauses when it throws or ends, as discovery itself does, and what it reports and
 * traces carries its name. Nothing it does reaches its siblings, and what it fails at is a failure of the whole only while
 * no sibling works.
 */
import type {
  DiscoveryContext,
  DiscoveryStep,
  DiscoveryStrategy,
  FoundationError,
  Peer,
} from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import { discoveryLimits } from "../limits.js";
import { isAside, reportAside } from "./aside.js";

/** What a child says. */
export interface ChildListener {
  onSet(peers: readonly Peer[]): void;
  /** It failed; not told of asides. */
  onProblem?(): void;
  /** True: a sibling works, so that what fails is only a part of the strategy they make up. */
  isPart?(): boolean;
  onStep?(): void;
}

/** Runs the strategy until the signal fires; resolves when it has withdrawn. Never rejects. */
export async function runChild(
  strategy: DiscoveryStrategy,
  context: DiscoveryContext,
  signal: AbortSignal,
  listener: ChildListener,
): Promise<void> {
  const child = childContext(strategy, context, signal, listener);
  const { clock } = context;
  const jitter = context.random.fork(`discovery.${strategy.name}.again`);
  const { restartMinMs, restartMaxMs } = discoveryLimits;
  for (let failures = 0; !signal.aborted; failures += 1) {
    const startedAtMs = clock.now();
    await consume(strategy, child, listener);
    if (signal.aborted) return;
    if (clock.now() - startedAtMs > restartMaxMs) failures = 0;
    const pauseMs = Math.min(restartMaxMs, restartMinMs * 2 ** failures);
    await clock.sleep(pauseMs * (0.75 + jitter.next() / 2), { signal }).catch(() => undefined);
  }
}

async function consume(
  strategy: DiscoveryStrategy,
  child: DiscoveryContext,
  listener: ChildListener,
): Promise<void> {
  const { signal } = child;
  try {
    for await (const { peers } of strategy.discover(child)) {
      if (signal.aborted) return;
      listener.onSet(peers);
    }
    if (!signal.aborted) child.report(stopped(strategy, "it ended by itself"));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    if (!signal.aborted) child.report(stopped(strategy, `it threw: ${reason}`, error));
  }
}

function childContext(
  { name }: DiscoveryStrategy,
  context: DiscoveryContext,
  signal: AbortSignal,
  listener: ChildListener,
): DiscoveryContext {
  return {
    ...context,
    // Read anew at each use: a copy would miss a rotation.
    get secrets() {
      return context.secrets;
    },
    signal,
    random: context.random.fork(`discovery.${name}.child`),
    logger: context.logger.child({ child: name }),
    report: (problem: FoundationError) => {
      if (signal.aborted || isAside(problem)) return context.report(problem);
      if (listener.isPart?.() === true) reportAside(context, problem);
      else context.report(problem);
      listener.onProblem?.();
    },
    trace: (step: DiscoveryStep) => {
      context.trace({ ...step, tried: `${name}: ${step.tried}` });
      if (!signal.aborted) listener.onStep?.();
    },
  };
}

function stopped({ name }: DiscoveryStrategy, reason: string, cause?: unknown): FoundationError {
  return discoveryErrors.ERR_DISCOVERY_FAILED(
    `The discovery strategy ${name} stopped: ${reason}. It is started again; ` +
      "until then its last peers stay on offer.",
    { strategy: name, reason },
    cause,
  );
}
