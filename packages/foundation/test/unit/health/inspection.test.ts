import { describe, expect, test } from "@jest/globals";
import { createNodeId, nodeRandom } from "@foundation/core";
import { parseDescription } from "../../../src/health/inspection.js";
import { limits } from "../../../src/limits.js";

const neighbour = createNodeId(nodeRandom());
const vitals = {
  uptimeMs: 1,
  heapUsedBytes: 2,
  rssBytes: 3,
  eventLoopLagMs: 4,
  processes: 5,
  mailboxMessages: 6,
  messagesPerSecond: 7,
};
const described = {
  vitals,
  load: { eventLoop: 0.5, processor: 0.25, memory: 0.1 },
  topology: "hyparview",
  neighbours: [neighbour],
  links: { up: 3, queuedBytes: 0 },
};

describe("a description from another node", () => {
  test("is taken over field by field, without what this version does not know", () => {
    expect(parseDescription({ ...described, later: 1, vitals: { ...vitals, later: 1 } })).toEqual(
      described,
    );
  });

  test.each([
    ["nothing", undefined],
    ["a text", "fine"],
    ["no vitals", { ...described, vitals: undefined }],
    ["a load that is no number", { ...described, load: { ...described.load, memory: "0" } }],
    ["a topology nobody knows", { ...described, topology: "ring" }],
    ["a neighbour that is no id", { ...described, neighbours: ["b"] }],
    ["links that are not counted", { ...described, links: {} }],
    [
      "more neighbours than there may be",
      {
        ...described,
        neighbours: Array.from({ length: limits.neighboursMax + 1 }, () => neighbour),
      },
    ],
  ])("is nothing when it is %s", (_, data) => {
    expect(parseDescription(data)).toBeUndefined();
  });
});
