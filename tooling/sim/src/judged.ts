/** Judged: how a hunt ends: its aims and figures for people, and one JSON object as its last line. */
import { performance } from "node:perf_hooks";
import { exitCodes } from "./command.js";
import { aimText, figureText, type Aim, type Figure } from "./report.js";
import type { Screen } from "./screen.js";

export interface Judged {
  readonly aims: readonly Aim[];
  readonly figures: readonly Figure[];
  /** What else the last line says of this hunt. */
  readonly about: Readonly<Record<string, unknown>>;
  readonly startedMs: number;
}

/** @returns the exit code; a hunt that was stopped is not ok */
export function tellJudged(
  screen: Screen,
  { aims, figures, about, startedMs }: Judged,
  signal: AbortSignal,
): number {
  for (const aim of aims) screen.say(aimText(aim));
  for (const figure of figures) screen.say(figureText(figure));
  const ok = !signal.aborted && aims.every(({ met }) => met);
  const report = {
    ok,
    aims,
    figures,
    ...about,
    seconds: Math.round((performance.now() - startedMs) / 100) / 10,
    ...(signal.aborted && { interrupted: true }),
  };
  console.log(JSON.stringify(report));
  return ok ? exitCodes.ok : exitCodes.failed;
}
