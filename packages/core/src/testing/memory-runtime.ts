/** MemoryRuntime: a Runtime made of twins, for one node of a test. */
import type { Runtime } from "../ports/runtime.js";
import type { Storage } from "../ports/storage.js";
import type { Transport } from "../ports/transport.js";
import { manualSignals, type ManualSignals } from "./manual-signals.js";
import { memoryMeter, type MemoryMeter } from "./memory-meter.js";
import { recordingLogger, type RecordingLogger } from "./recording-logger.js";
import { seededRandom } from "./seeded-random.js";
import { virtualClock, type VirtualClock } from "./virtual-clock.js";
import { trustingAuthentication } from "./trusting-authentication.js";

/** A Runtime whose twins a test can get at. */
export interface MemoryRuntime extends Runtime {
  readonly clock: VirtualClock;
  readonly logger: RecordingLogger;
  readonly meter: MemoryMeter;
  readonly signals: ManualSignals;
}

export interface MemoryRuntimeOptions {
  /** Share one clock between the nodes of a test. @default a new one */
  readonly clock?: VirtualClock;
  /** @default "memory-runtime" */
  readonly seed?: number | string;
  readonly storage?: Storage;
  readonly transport?: Transport;
}

/** A Runtime of twins: virtual time, seeded chance, lines and values a test can read. */
export function memoryRuntime(options: MemoryRuntimeOptions = {}): MemoryRuntime {
  return {
    clock: options.clock ?? virtualClock(),
    random: seededRandom(options.seed ?? "memory-runtime"),
    logger: recordingLogger(),
    meter: memoryMeter(),
    signals: manualSignals(),
    authentication: trustingAuthentication(),
    ...(options.storage && { storage: options.storage }),
    ...(options.transport && { transport: options.transport }),
  };
}
