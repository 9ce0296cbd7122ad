/**
 * ConfigLayer: one source of options. A later layer wins, option by option, over the ones before it.
 *
 * The usual order: defaults < profile < file < environment < options.
 */

/** One thing wrong with the configuration: where, what was expected, what was found, what to do. */
export interface ConfigProblem {
  /** The option, e.g. `processes.supervisor.maxRestarts`; empty for the whole configuration. */
  readonly path: string;
  /** The layer the value came from. */
  readonly layer: string;
  readonly expected: string;
  readonly found: string;
  readonly fix: string;
}

/** A source of options. */
export interface ConfigLayer {
  /** `defaults`, `profile`, `file`, `environment`, `options`, … */
  readonly name: string;
  /** The options as a tree; `undefined` anywhere in it means "not set here". */
  readonly values: Readonly<Record<string, unknown>>;
  /** Where the layer was read from, e.g. the file's path. */
  readonly origin?: string;
  /** Where single options were read from: path → e.g. the name of an environment variable. */
  readonly origins?: Readonly<Record<string, string>>;
  /** For what was detected and not written down: path → why it was chosen. */
  readonly evidence?: Readonly<Record<string, string>>;
  /** What could not be read; `resolveConfig` reports it with everything else. */
  readonly problems?: readonly ConfigProblem[];
}
