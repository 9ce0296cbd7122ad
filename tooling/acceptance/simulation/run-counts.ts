/** RunCounts: what every run of the whole stack says of itself, whatever was played. */
export interface RunCounts {
  readonly seed: string;
  readonly nodes: number;
  readonly virtualMs: number;
  /** Events of the trace. */
  readonly events: number;
  readonly faults: number;
  /** Calls that ended. */
  readonly calls: number;
  /** Messages that were published. */
  readonly published: number;
  /** Everything that is not as it must be, with the last lines of the trace: undefined when nothing is. */
  readonly violation: string | undefined;
}
