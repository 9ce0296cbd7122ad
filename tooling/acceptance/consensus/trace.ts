/** Trace: the last of what happened in a world, for the story of a seed that fails. */

const LINES_MAX = 400;

export class Trace {
  readonly #lines: string[] = [];

  add(now: number, line: string): void {
    this.#lines.push(`${now.toFixed(1).padStart(8)} ms  ${line}`);
    if (this.#lines.length > 2 * LINES_MAX) this.#lines.splice(0, LINES_MAX);
  }

  last(count: number): readonly string[] {
    return this.#lines.slice(-count);
  }
}
