import { describe, test } from "@jest/globals";
import { nodeSignals } from "@foundation/core";
import { manualSignals } from "@foundation/core/testing";
import { signalsContract } from "../../src/index.js";

describe("manualSignals", () => {
  signalsContract(
    { describe, test },
    {
      create: () => {
        const signals = manualSignals();
        return { signals, raise: signals.raise };
      },
    },
  );
});

describe("nodeSignals", () => {
  // jest gives tests a copy of `process`, which real signals do not reach: they are emitted on it.
  const raise = (signal: "SIGTERM" | "SIGINT"): void => void process.emit(signal, signal);
  signalsContract({ describe, test }, { create: () => ({ signals: nodeSignals(), raise }) });
});
