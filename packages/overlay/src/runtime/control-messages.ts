/**
 * ControlMessages: what kinds of control messages there are. Each is an object with the field of its kind; who the
 * field concerns checks its value. `{ open, lane }` is in channel-opener.ts.
 */
export type ControlField = "routing" | "load" | "rest";

/** What a control message says of something; undefined: it is about something else. */
export function controlFieldOf(message: unknown, field: ControlField): unknown {
  if (typeof message !== "object" || message === null) return undefined;
  return (message as Partial<Record<ControlField, unknown>>)[field];
}
