import { describe, test } from "@jest/globals";
import { virtualClock } from "@foundation/core/testing";
import { discoveryBackendContract, discoveryContract, virtualTime } from "@foundation/testkit";
import { staticList } from "../../src/strategies/static-list.js";
import { staticBackend } from "../backends/static-backend.js";

discoveryContract(
  { describe, test },
  {
    initial: ["ws://127.0.0.1:6001", "ws://127.0.0.1:6002"],
    create: () => ({
      strategy: staticList({ addresses: ["127.0.0.1:6001", "ws://127.0.0.1:6002"] }),
      time: virtualTime(virtualClock()),
      close: () => {},
    }),
  },
);

discoveryBackendContract({ describe, test }, staticBackend);
