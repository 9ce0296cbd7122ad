import { describe, test } from "@jest/globals";
import { nodeClock } from "@foundation/core";
import { virtualClock } from "@foundation/core/testing";
import { clockContract, realTime, virtualTime } from "../../src/index.js";

describe("virtualClock", () => {
  clockContract({ describe, test }, { create: () => ({ time: virtualTime(virtualClock()) }) });
});

describe("nodeClock", () => {
  clockContract({ describe, test }, { create: () => ({ time: realTime(nodeClock()) }) });
});
