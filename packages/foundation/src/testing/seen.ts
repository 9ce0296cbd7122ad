/** Seen: what a check of a test showed at one instant, and how an error tells of it. */

const SOURCE_CHARS = 160;

export type Seen<T> =
  | { readonly held: true; readonly value: Exclude<T, false> }
  | { readonly held: false; readonly reason: unknown };

/** Asks a check once; what it throws is a reason, not an error. */
export function lookAt<T>(check: () => T): Seen<T> {
  try {
    return heldBy(check, check());
  } catch (reason) {
    return { held: false, reason };
  }
}

/** Anything but `false` is what was waited for. */
export function heldBy<T>(check: () => unknown, value: T): Seen<T> {
  if (value !== false) return { held: true, value: value as Exclude<T, false> };
  return { held: false, reason: `${textOf(check)} gave false` };
}

export function isPromise(value: unknown): value is Promise<unknown> {
  return typeof (value as PromiseLike<unknown> | null | undefined)?.then === "function";
}

function textOf(check: () => unknown): string {
  return check.toString().replace(/\s+/g, " ").slice(0, SOURCE_CHARS);
}

function messageOf(reason: unknown): string {
  return reason instanceof Error ? reason.message : String(reason);
}

/** Why it does not hold, with the check's own text: "() => … gave false". @param what in the place of that text */
export function notHeld(check: () => unknown, reason: unknown, what?: string): string {
  if (typeof reason === "string") return reason;
  return `${what ?? textOf(check)}: ${messageOf(reason)}`;
}
