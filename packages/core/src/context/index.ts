/** Trace context: W3C traceparent as a value, and as the ambient scope of user handlers. */
export {
  childSpan,
  formatTraceparent,
  isSampled,
  isTraceContext,
  newTrace,
  parseTraceparent,
} from "./trace-context.js";
export type { TraceContext } from "./trace-context.js";
export { currentTrace, runWithTrace } from "./trace-scope.js";
