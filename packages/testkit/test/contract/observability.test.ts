import { inspect } from "node:util";
import { describe, test } from "@jest/globals";
import { inMemoryMeter, pinoLogger } from "@foundation/core";
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

describe.each([true, false])("pinoLogger, pretty: %p", (pretty) => {
  loggerContract(
    { describe, test },
    {
      create: () => {
        const lines: string[] = [];
        const destination = { write: (line: string) => lines.push(line) };
        const logger = pinoLogger({ level: "debug", pretty, destination });
        return { logger, output: () => lines.join("") };
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
