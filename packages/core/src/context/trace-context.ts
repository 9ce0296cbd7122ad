/**
 * TraceContext: W3C Trace Context (https://www.w3.org/TR/trace-context/), carried explicitly with every message.
 */

/** What a message carries of the trace it belongs to. */
export interface TraceContext {
  /** 32 lower-case hexadecimal digits, not all zero. */
  readonly traceId: string;
  /** 16 lower-case hexadecimal digits, not all zero: the span that sent the message. */
  readonly spanId: string;
  /** Bit 0: sampled. */
  readonly flags: number;
}
