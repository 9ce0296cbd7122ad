/** Outcomes: what a request is told that did not come to an answer. */
import { coreErrors } from "@foundation/core";
import { abortedError, closedError } from "../store/engine-errors.js";
import { failureOf, isAnswerTooLarge, type CallError, type Failure } from "./failures.js";
import { ForgottenRevision, unreachable } from "./refusals.js";
import type { Scope, ScopeEnd } from "./scope.js";

/** What a request does: nothing, the same however often, or something else each time. */
export type Effect = "none" | "idempotent" | "once";

/** What came of the attempts so far. */
export interface Tries {
  /** One of them may have been applied. */
  inDoubt: boolean;
  renewals: number;
  /** Why the last one failed. */
  last: string | undefined;
}

/** What the outcome is about. */
export interface About {
  readonly scope: Scope;
  readonly effect: Effect;
  /** What the request is called. */
  readonly what: string;
  /** The endpoints. */
  readonly target: string;
}

/** Its time is over, or its caller has given up. `trouble` is what keeps endpoints from being used. */
export function overError(about: About, { inDoubt, last }: Tries, trouble?: string): Error {
  const { scope, effect, what, target } = about;
  if (inDoubt && effect !== "none") return unknownError(about, last);
  if (scope.ended === "closed") return closedError("The engine over etcd");
  if (scope.ended === "aborted") return abortedError(what, undefined);
  if (!inDoubt) return unreachable(target, what, scope.passedMs, last ?? trouble);
  const { timeoutMs = 0 } = scope;
  return coreErrors.ERR_TIMEOUT(
    `${what} was not answered by etcd at ${target} within ${timeoutMs} ms (${last})`,
    { timeoutMs, target },
  );
}

/** It was sent, and what became of it is not known. */
export function unknownError({ scope, what, target }: About, last = "no answer"): Error {
  return coreErrors.ERR_OUTCOME_UNKNOWN(
    `${what} was sent to etcd and not answered (${last}): it may have been applied, now or later. Read what it was ` +
      "to change before you send it again",
    { reason: REASONS[scope.ended ?? "lost"], target },
  );
}

/** An error that says how it is now, whatever an attempt before did. */
export function saysHowItIs(error: unknown): boolean {
  return (
    error instanceof ForgottenRevision ||
    coreErrors.ERR_OUTCOME_UNKNOWN.is(error) ||
    coreErrors.ERR_LEASE_LOST.is(error)
  );
}

/** An answer to a read that is too large says nothing about what is in etcd; one to a write says that it was done. */
export function failureFor(error: CallError | undefined, effect: Effect): Failure {
  if (error === undefined) return { type: "in-doubt", reason: "there was no answer" };
  if (effect !== "none" || !isAnswerTooLarge(error)) return failureOf(error);
  return { type: "too-large", reason: error.details };
}

/** Why a sent request has no answer. */
const REASONS = {
  late: "deadline-exceeded",
  aborted: "aborted",
  closed: "aborted",
  lost: "connection-lost",
} as const satisfies Record<ScopeEnd | "lost", string>;
