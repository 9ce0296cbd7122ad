import { describe, expect, test } from "@jest/globals";
import { parseBoot, parseNodeId } from "@foundation/core";
import {
  judgeChannel,
  judgeLink,
  type ChannelQuestion,
  type LinkQuestion,
} from "../../../src/protocol/links.js";

const low = parseNodeId("0".repeat(31) + "1");
const high = parseNodeId("f".repeat(32));
const boot = (order: number) => parseBoot(order.toString(16).padStart(24, "0"));
const refuse = (code: string) => ({ type: "refuse", code });

const question = (change: Partial<LinkQuestion>): LinkQuestion => ({
  self: { id: low, boot: boot(1) },
  peer: { id: high, boot: boot(1) },
  dialledBy: "peer",
  linkedBoot: undefined,
  newestBoot: undefined,
  ownDialProved: false,
  ...change,
});

describe("the rules of links", () => {
  test.each<[string, Partial<LinkQuestion>, unknown]>([
    ["a stranger is accepted", {}, { type: "accept" }],
    ["oneself is recognised", { peer: { id: low, boot: boot(1) } }, refuse("ERR_SELF_DIAL")],
    [
      "another process with one's own id is refused",
      { peer: { id: low, boot: boot(2) } },
      refuse("ERR_NODE_ID_CLASH"),
    ],
    [
      "an older boot than one ever seen is refused",
      { newestBoot: boot(2) },
      refuse("ERR_STALE_BOOT"),
    ],
    [
      "a node with a link is not dialled again",
      { dialledBy: "us", linkedBoot: boot(1) },
      refuse("ERR_DUPLICATE_LINK"),
    ],
    [
      "a peer that has lost its link may dial again",
      { linkedBoot: boot(1) },
      { type: "ask-holder" },
    ],
    [
      "a newer boot waits for the older one's silence",
      { peer: { id: high, boot: boot(2) }, linkedBoot: boot(1) },
      { type: "ask-holder" },
    ],
    [
      "the lower id refuses a crossing dial once it has proved its own",
      { ownDialProved: true },
      refuse("ERR_DUPLICATE_LINK"),
    ],
  ])("%s", (_what, change, verdict) => {
    expect(judgeLink(question(change))).toEqual(verdict);
  });

  test("the higher id accepts a crossing dial, so that exactly one connection survives", () => {
    const crossed = question({
      self: { id: high, boot: boot(1) },
      peer: { id: low, boot: boot(1) },
      ownDialProved: true,
    });
    expect(judgeLink(crossed)).toEqual({ type: "accept" });
  });

  test("a channel is opened only by the side that dialled the coordination link, with the same boot", () => {
    const judge = (coordination: ChannelQuestion["coordination"]) =>
      judgeChannel({ peer: { id: high, boot: boot(2) }, coordination, isNew: true, channels: 0 });
    const refused = refuse("ERR_NO_COORDINATION_LINK");
    expect(judge({ boot: boot(2), dialledBy: "peer" })).toEqual({ type: "accept" });
    expect(judge({ boot: boot(2), dialledBy: "us" })).toEqual(refused);
    expect(judge({ boot: boot(1), dialledBy: "peer" })).toEqual(refused);
    expect(judge(undefined)).toEqual(refused);
  });

  test("a 65th channel is refused, and a further lane or connection of a known one is not", () => {
    const peer = { id: high, boot: boot(1) };
    const coordination = { boot: boot(1), dialledBy: "peer" } as const;
    const judge = (isNew: boolean, channels: number) =>
      judgeChannel({ peer, coordination, isNew, channels });
    expect(judge(true, 63)).toEqual({ type: "accept" });
    expect(judge(true, 64)).toEqual(refuse("ERR_TOO_MANY_CHANNELS"));
    expect(judge(false, 64)).toEqual({ type: "accept" });
  });
});
