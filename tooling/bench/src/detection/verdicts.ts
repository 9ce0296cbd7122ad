/** The aims of the detection suite, judged. Pure: the same trials give the same verdicts. */
import { median, verdictOn, type Verdict } from "../report.js";
import type { Pause, Trial } from "./trials.js";

export interface Bounds {
  readonly medianS: number;
  readonly worstS: number;
}

/** A trial in which not everybody came to know counts as endless. */
export function knownInTime(
  name: string,
  trials: readonly Trial[],
  { medianS, worstS }: Bounds,
): readonly Verdict[] {
  const all = trials.map(({ allKnowMs }) => allKnowMs / 1_000);
  const worst = all.length === 0 ? Number.NaN : Math.max(...all);
  const of = `of ${all.length}`;
  return [
    verdictOn(`${name}: s until all others know, median ${of}`, median(all), "at most", medianS),
    verdictOn(`${name}: s until all others know, worst ${of}`, worst, "at most", worstS),
  ];
}

/** Pauses after which anybody declared anybody dead. */
export function pausesSurvived(name: string, pauses: readonly Pause[], most: number): Verdict {
  const wrong = pauses.filter(({ declaredDead }) => declaredDead > 0).length;
  const value = pauses.length === 0 ? Number.NaN : wrong;
  return verdictOn(`${name}: declared dead, of ${pauses.length}`, value, "at most", most);
}
