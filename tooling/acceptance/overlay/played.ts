/** What every experiment tells beside its own figures. */
import type { OverlayWorld } from "./overlay-world.js";

export interface Found {
  /** What cores did that they must not: so often, and the first of them in words. */
  readonly findingCount: number;
  readonly findings: readonly string[];
  readonly events: number;
  readonly virtualMs: number;
  /** How often what was sent, and what the cores counted. */
  readonly sent: Readonly<Record<string, number>>;
  readonly marks: Readonly<Record<string, number>>;
}

export function foundIn(world: OverlayWorld): Found {
  const { findingCount, findings, events, now, meter } = world;
  return {
    findingCount,
    findings,
    events,
    virtualMs: now,
    sent: Object.fromEntries([...meter.counts].sort()),
    marks: Object.fromEntries([...meter.marks].sort()),
  };
}
