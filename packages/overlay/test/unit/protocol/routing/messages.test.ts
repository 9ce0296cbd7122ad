import { describe, expect, test } from "@jest/globals";
import { createBoot, createNodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import { routingLimits as limits } from "../../../../src/protocol/routing/limits.js";
import {
  parseNeighborList,
  parseRoutingMessage,
} from "../../../../src/protocol/routing/messages.js";

const random = seededRandom("ids");
const ids = Array.from({ length: 600 }, () => createNodeId(random));
const [id, a, b] = ids;
const boot = createBoot(1, random);
const list = { id, boot, version: 3, neighbors: [a, b] };

describe("a message about neighbours", () => {
  test("is taken as it was sent, without what a later version added", () => {
    const request = { type: "neighbors-request", seq: 4, about: [a, b] };
    expect(parseRoutingMessage({ ...request, more: 1 })).toEqual(request);
    const reply = { type: "neighbors-reply", seq: 0, lists: [list] };
    expect(parseRoutingMessage({ ...reply, lists: [{ ...list, more: 1 }] })).toEqual(reply);
  });

  for (const [what, message] of [
    ["nothing", undefined],
    ["a text", "neighbors-request"],
    ["of another type", { type: "neighbours", seq: 1 }],
    ["without a number", { type: "neighbors-request", about: [] }],
    ["with a negative number", { type: "neighbors-request", seq: -1, about: [] }],
    ["about what is no node", { type: "neighbors-request", seq: 1, about: ["x"] }],
    ["about one node twice", { type: "neighbors-request", seq: 1, about: [a, a] }],
    [
      "about too many",
      { type: "neighbors-request", seq: 1, about: ids.slice(0, limits.aboutMax + 1) },
    ],
    ["with lists that are none", { type: "neighbors-reply", seq: 1, lists: [{}] }],
    [
      "with too many lists",
      { type: "neighbors-reply", seq: 1, lists: Array(limits.listsPerReplyMax + 1).fill(list) },
    ],
    [
      "with too many neighbours",
      {
        type: "neighbors-reply",
        seq: 1,
        lists: Array(3).fill({ ...list, neighbors: ids.slice(1, 500) }),
      },
    ],
  ] as const) {
    test(`that is ${what} is malformed`, () => {
      expect(parseRoutingMessage(message)).toBeUndefined();
    });
  }
});

describe("a list of neighbours", () => {
  test("is malformed with a wrong field, too many neighbours, or its own node among them", () => {
    expect(parseNeighborList(list)).toEqual(list);
    for (const wrong of [
      { ...list, id: "x" },
      { ...list, boot: "x" },
      { ...list, version: 1.5 },
      { ...list, neighbors: undefined },
      { ...list, neighbors: [a, id] },
      { ...list, neighbors: ids.slice(1, limits.neighborsMax + 2) },
    ])
      expect(parseNeighborList(wrong)).toBeUndefined();
  });
});
