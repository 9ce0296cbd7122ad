/**
 * ProgressLine: how far a hunt is, in one line. On a terminal it is written over itself; in a log there is a line for
 * each tenth of the way, or for each hundredth seed when no end is known.
 */
export interface Progress {
  readonly done: number;
  readonly failed: number;
  readonly virtualMs: number;
  /** Since the beginning. */
  readonly wallMs: number;
  /** Seeds in all; undefined when the hunt ends otherwise. */
  readonly total: number | undefined;
  /** Real time in all; undefined when the hunt ends otherwise. */
  readonly totalWallMs: number | undefined;
}

const SEEDS_PER_LINE = 100;

export class ProgressLine {
  readonly #isTerminal: boolean;
  #step = 0;
  #isOpen = false;

  constructor(isTerminal: boolean) {
    this.#isTerminal = isTerminal;
  }

  /** What to write for this state: "" when nothing is due. */
  next(state: Progress): string {
    const text = progressText(state);
    if (this.#isTerminal) return this.status(text);
    const step = stepOf(state);
    if (step <= this.#step) return "";
    this.#step = step;
    return `${text}\n`;
  }

  /** What to write for something else that is done at the moment: nothing in a log. */
  status(text: string): string {
    if (!this.#isTerminal) return "";
    this.#isOpen = true;
    return `\r${text}\u001b[K`;
  }

  /** What to write before something else is printed: takes the line away. */
  clear(): string {
    if (!this.#isOpen) return "";
    this.#isOpen = false;
    return "\r\u001b[K";
  }
}

/** `120/200 seeds, 0 failed, 9,034 virtual seconds, 141 a second, 0:34 left`. */
export function progressText(state: Progress): string {
  const { done, failed, virtualMs, wallMs, total } = state;
  const seeds = total === undefined ? `${done} seeds` : `${done}/${total} seeds`;
  const virtualSeconds = Math.round(virtualMs / 1_000).toLocaleString("en");
  const rate = Math.round(virtualMs / Math.max(1, wallMs));
  const left = leftMs(state);
  const rest = left === undefined ? "" : `, ${clockText(left)} left`;
  return `${seeds}, ${failed} failed, ${virtualSeconds} virtual seconds, ${rate} a second${rest}`;
}

/** From 0 to 1; undefined when no end is known. */
function shareOf({ done, total, wallMs, totalWallMs }: Progress): number | undefined {
  const shares: number[] = [];
  if (total !== undefined) shares.push(done / total);
  if (totalWallMs !== undefined) shares.push(Math.min(1, wallMs / totalWallMs));
  return shares.length === 0 ? undefined : Math.max(...shares);
}

function stepOf(state: Progress): number {
  const share = shareOf(state);
  return share === undefined
    ? Math.floor(state.done / SEEDS_PER_LINE)
    : Math.floor(share * 10 + Number.EPSILON);
}

/** Estimated from what is done: undefined as long as nothing is. */
function leftMs(state: Progress): number | undefined {
  const share = shareOf(state);
  if (share === undefined || share === 0) return undefined;
  return (state.wallMs / share) * (1 - share);
}

function clockText(ms: number): string {
  const seconds = Math.round(ms / 1_000);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}
