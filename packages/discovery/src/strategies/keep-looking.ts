/**
 * keepLooking: the loop of every strategy that asks and is answered.
 *
 * It looks, offers what `LastGood` makes of the answer, and waits: the interval after a good answer, a growing and
 * jittered pause after a failure, never less than the interval. Whatever a look throws is reported and changes nothing.
 * `signal` ends it at once, also while a look hangs.
 */
import {
  isFoundationError,
  type Clock,
  type DiscoveryContext,
  type Peer,
  type PeerSet,
} from "@foundation/core";
import { discoveryErrors } from "../errors.js";
import { discoveryLimits } from "../limits.js";
import { LastGood, type Answer } from "../protocol/last-good.js";
import { samePeers, sortedByAddress } from "../protocol/peer-union.js";

export interface LookingOptions {
  /** The strategy's name. */
  readonly source: string;
  /** What is asked, for `explain()`: `GET https://…`. */
  readonly tries: string;
  /** Milliseconds between two looks, at least; a look may ask for a longer pause. */
  readonly intervalMs: number;
  /** A look that takes longer has failed, in milliseconds. @default discoveryLimits.lookTimeoutMs */
  readonly timeoutMs?: number;
  /** @default discoveryLimits.missesMax */
  readonly missesMax?: number;
  /** Asks once. Whatever it throws is a failed look-up; a `FoundationError` of discovery says it best. */
  look(signal: AbortSignal): Promise<LookAnswer>;
}

export interface LookAnswer extends Answer {
  /** Milliseconds until the next look, where the answer knows (a record's TTL); never under the interval. */
  readonly nextMs?: number;
}

/** Looks until the signal fires; yields a set at first, and whenever it changed. */
export async function* keepLooking(
  context: DiscoveryContext,
  options: LookingOptions,
): AsyncGenerator<PeerSet, void, undefined> {
  const { signal, clock } = context;
  const jitter = context.random.fork(`discovery.${options.source}.pause`);
  const good = new LastGood(options.missesMax);
  let offered: readonly Peer[] | undefined;
  let failures = 0;
  while (!signal.aborted) {
    const answer = await lookOnce(context, options);
    if (signal.aborted) return;
    failures = answer === undefined ? failures + 1 : 0;
    if (answer !== undefined) {
      const peers = sortedByAddress(judge(context, options, good, answer));
      if (offered === undefined || !samePeers(peers, offered)) {
        offered = peers;
        yield { source: options.source, peers };
      }
    }
    const wishMs = answer === undefined ? retryMs(failures) : (answer.nextMs ?? 0);
    // Spread upwards only: nothing looks more often than its option says.
    const pauseMs = Math.max(options.intervalMs, wishMs) * (1 + jitter.next() / 4);
    await clock.sleep(pauseMs, { signal }).catch(() => undefined);
  }
}

/** The pause after this many failures in a row, in milliseconds, without its jitter. */
export function retryMs(failures: number): number {
  const { retryMinMs, retryMaxMs } = discoveryLimits;
  return Math.min(retryMaxMs, retryMinMs * 2 ** Math.min(failures - 1, 30));
}

async function lookOnce(
  context: DiscoveryContext,
  options: LookingOptions,
): Promise<LookAnswer | undefined> {
  const { clock } = context;
  const startedAtMs = clock.now();
  const limitMs = options.timeoutMs ?? discoveryLimits.lookTimeoutMs;
  try {
    const answer = await withinLimit(context, limitMs, options);
    const found = `${answer.peers.length} peers${answer.partial ? `, partial: ${answer.partial}` : ""}`;
    context.trace({ tried: options.tries, answer: found, tookMs: clock.now() - startedAtMs });
    return answer;
  } catch (error) {
    if (context.signal.aborted) return undefined;
    const reason = error instanceof Error ? error.message : String(error);
    context.trace({ tried: options.tries, answer: reason, tookMs: clock.now() - startedAtMs });
    context.report(isFoundationError(error) ? error : lookFailed(options, reason, error));
    return undefined;
  }
}

/** Races the look with the signal and the limit: a backend that hangs must hold up neither the end nor the next look. */
async function withinLimit(
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  limitMs: number,
  options: LookingOptions,
): Promise<LookAnswer> {
  const abort = new AbortController();
  let giveUp: (error: Error) => void = () => undefined;
  const over = new Promise<never>((_, reject) => (giveUp = reject));
  const end = () => giveUp(new Error("aborted"));
  signal.addEventListener("abort", end, { once: true });
  const timer = clock.setTimer(limitMs, () =>
    giveUp(lookFailed(options, `there was no answer within ${limitMs} ms`)),
  );
  try {
    return await Promise.race([options.look(abort.signal), over]);
  } finally {
    timer.cancel();
    signal.removeEventListener("abort", end);
    abort.abort();
  }
}

function judge(
  context: DiscoveryContext,
  { source, tries }: LookingOptions,
  good: LastGood,
  answer: LookAnswer,
): readonly Peer[] {
  const { peers, doubt } = good.take(answer);
  if (doubt === "empty") {
    context.report(
      discoveryErrors.ERR_DISCOVERY_EMPTY(
        `${tries} answered that there is nobody, where ${peers.length} peers were known. They stay on offer: an ` +
          "empty answer is more often a fault of the backend than the end of a cluster.",
        { strategy: source, kept: peers.length },
      ),
    );
  }
  if (doubt === "partial") {
    context.report(
      discoveryErrors.ERR_DISCOVERY_PARTIAL(
        `${tries} answered in part: ${answer.partial}. Peers it did not name stay on offer.`,
        { strategy: source, reason: answer.partial ?? "" },
      ),
    );
  }
  return peers;
}

function lookFailed({ source, tries }: LookingOptions, reason: string, cause?: unknown) {
  return discoveryErrors.ERR_LOOKUP_FAILED(
    `${tries} failed: ${reason}. The last known peers stay on offer, and it is tried again.`,
    { strategy: source, reason },
    cause,
  );
}
