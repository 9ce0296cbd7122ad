import { describe, test } from "@jest/globals";
import { nodeRandom } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { randomContract } from "../../src/index.js";

describe("seededRandom", () => {
  randomContract({ describe, test }, { create: () => seededRandom(1), seeded: seededRandom });
});

describe("nodeRandom", () => {
  randomContract({ describe, test }, { create: () => nodeRandom() });
});
