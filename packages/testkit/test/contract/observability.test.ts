import { inspect } from "node:util";
import { describe, test } from "@jest/globals";
import { inMemoryMeter } from "@foundation/core";
import { memoryMeter, recordingLogger } from "@foundation/core/testing";
import { loggerContract, meterContract } from "../../src/index.js";

describe("recordingLogger", () => {
  loggerContract(
    { describe, test },
    {
      create: () => {
        const logger = recordingLogger();
        return {
          logger,
          output: () => inspect(logger.lines, { depth: 10 }),
        };
      },
    },
  );
});

describe("memoryMeter", () => {
  meterContract({ describe, test }, { create: memoryMeter });
});

describe("inMemoryMeter", () => {
  meterContract({ describe, test }, { create: inMemoryMeter });
});
