/**
 * nodeRuntime: the bundle of the outside world as Node has it; what a caller gives takes the place of Node's own.
 *
 * An ambient runtime (that of a surrounding simulation) comes between: an unmodified application then runs in the
 * simulation. It is kept under a `Symbol.for` global, since an application may hold a second copy of this package.
 */
import { pinoLogger } from "../logger/index.js";
import type { Runtime } from "../ports/runtime.js";
import { inMemoryMeter } from "./in-memory-meter.js";
import { nodeClock } from "./node-clock.js";
import { nodeRandom } from "./node-random.js";
import { nodeSignals } from "./node-signals.js";

const KEY = Symbol.for("foundation.ambient-runtime");
const slot = globalThis as { [KEY]?: (() => Runtime | undefined) | undefined };

/**
 * A complete Runtime: the given parts, else the ambient runtime's, else Node's.
 *
 * @example
 * ```ts
 * import { nodeRuntime, silentLogger } from "@foundation/core"
 *
 * const runtime = nodeRuntime({ logger: silentLogger() })
 * console.log(typeof runtime.clock.now()) // number
 * ```
 */
export function nodeRuntime(parts: Partial<Runtime> = {}): Runtime {
  return completed({ ...ambientRuntime(), ...given(parts) });
}

/** The ambient runtime where there is one, else a new bundle of Node's own. */
export function defaultRuntime(): Runtime {
  return ambientRuntime() ?? completed({});
}

/** The runtime of the simulation that surrounds the code running now; undefined outside of one. */
export function ambientRuntime(): Runtime | undefined {
  return slot[KEY]?.();
}

/** Only what is missing is made: a logger nobody uses would cost every start. */
function completed(parts: Partial<Runtime>): Runtime {
  return {
    ...parts,
    clock: parts.clock ?? nodeClock(),
    random: parts.random ?? nodeRandom(),
    logger: parts.logger ?? pinoLogger(),
    meter: parts.meter ?? inMemoryMeter(),
    signals: parts.signals ?? nodeSignals(),
  };
}

/** Puts a source of ambient runtimes in place (a simulation's); gives the function that takes it away. */
export function provideRuntime(source: () => Runtime | undefined): () => void {
  const before = slot[KEY];
  slot[KEY] = source;
  return () => {
    slot[KEY] = before;
  };
}

/** An option given as undefined means "not given". */
function given(parts: Partial<Runtime>): Partial<Runtime> {
  const entries = Object.entries(parts).filter(([, part]) => part !== undefined);
  return Object.fromEntries(entries) as Partial<Runtime>;
}
