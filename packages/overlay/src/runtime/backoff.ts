/**
 * backoffMs: how long to wait before the next try. Jitter keeps nodes that failed together from
 * trying together.
 */
import type { Random } from "@foundation/core";
import { DIAL } from "../limits.js";

/** @param failures tries that have failed in a row, from 1 */
export function backoffMs(failures: number, random: Random): number {
  const ceilingMs = Math.min(
    DIAL.backoffMsMax,
    DIAL.backoffMsMin * 2 ** Math.min(failures - 1, 16),
  );
  return ceilingMs * (0.5 + random.next() / 2);
}
