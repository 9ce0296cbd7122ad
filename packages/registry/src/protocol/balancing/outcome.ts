/**
 * Outcomes of a request as errors tell them: did it run, is the instance sick, and may it be asked elsewhere.
 *
 * Invariant: what may have run is sent a second time only where the service says that this is harmless.
 */
import type { Outcome } from "./pool.js";

/** How a request failed. */
export interface Failure {
  /** `no`: it never will. */
  readonly ran: "no" | "yes" | "unknown";
  readonly code: string;
  readonly retryable: boolean;
  /** The caller's own doing: its signal fired. */
  readonly isCallers: boolean;
}

/** Nothing is wrong with an instance that answers with an error of the application. */
export function outcomeOf({ ran, code, retryable, isCallers }: Failure): Outcome {
  if (isCallers) return "nothing";
  // It took its service away, which is told to everybody anyway.
  if (code === GONE) return "nothing";
  if (ran !== "yes") return "sick";
  return code === "ERR_HANDLER_FAILED" || retryable ? "sick" : "well";
}

/** The code for an instance that is no longer there. */
export const GONE = "ERR_NO_INSTANCE";

/** True when asking another instance breaks no promise. */
export function mayAskAgain({ ran, retryable, isCallers }: Failure, idempotent: boolean): boolean {
  if (isCallers) return false;
  if (ran === "no") return true;
  return idempotent && (ran === "unknown" || retryable);
}
