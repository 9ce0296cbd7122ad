/** What the parts of a running overlay share, on a virtual clock, for tests of one part alone. */
import { createCodec, type Clock } from "@foundation/core";
import { memoryMeter, recordingLogger, seededRandom } from "@foundation/core/testing";
import { FLOW, FRAME } from "../../src/limits.js";
import { presetOf } from "../../src/presets.js";
import { WindowBudget } from "../../src/protocol/streams/window-tuner.js";
import { OverlayMetrics } from "../../src/runtime/metrics.js";
import type { World } from "../../src/runtime/world.js";
import { bootOf, idOf } from "./membership-entries.js";

/** The world of node 1. */
export function runtimeWorld(clock: Clock): World {
  const preset = presetOf("lan", false);
  return {
    self: { id: idOf(1), boot: bootOf(1), name: "n1", address: "" },
    clock,
    random: seededRandom("one part alone"),
    logger: recordingLogger(),
    codec: createCodec(),
    metrics: new OverlayMetrics(memoryMeter()),
    preset,
    budget: new WindowBudget(preset.budgetBytesMax),
    batchBytes: FRAME.batchBytes,
    chunkBytes: FLOW.chunkBytes,
  };
}
