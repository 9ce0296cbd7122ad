import { describe, test } from "@jest/globals";
import { nodeClock } from "@foundation/core";
import { realTime, transportContract } from "@foundation/testkit";
import { websocketTransport } from "../../src/index.js";

transportContract(
  { describe, test },
  {
    create: () => ({
      transport: websocketTransport(),
      host: "127.0.0.1",
      time: realTime(nodeClock()),
      close: () => {},
    }),
  },
);
