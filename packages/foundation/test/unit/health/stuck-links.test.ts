import { describe, expect, test } from "@jest/globals";
import { parseBoot, parseNodeId } from "@foundation/core";
import { StuckLinks } from "../../../src/health/stuck-links.js";
import type { LinkStats } from "../../../src/index.js";

const peer = parseNodeId("1".repeat(32));
const link = (over: Partial<LinkStats>): LinkStats => ({
  peer,
  boot: parseBoot("0".repeat(24)),
  channel: "bulk",
  lane: 0,
  up: true,
  queuedBytes: 1_000,
  retainedBytes: 0,
  creditBytes: 0,
  windowBytes: 1_000,
  heldBytes: 0,
  stalls: 1,
  stalledMs: 0,
  messagesOut: 0,
  messagesIn: 0,
  bytesOut: 500,
  bytesIn: 0,
  reconnects: 0,
  resentFrames: 0,
  lostFrames: 0,
  roundTripMs: undefined,
  ...over,
});

const stalling = [0, 5_000, 10_000, 15_000].map((stalledMs) => ({ stalledMs }));

/** Samples every 5 s, and what is stuck for 15 s in the end. */
function after(...samples: readonly LinkStats[][]) {
  const stuck = new StuckLinks();
  for (const [index, links] of samples.entries()) stuck.sample(index * 5_000, links);
  return stuck.list((samples.length - 1) * 5_000, 15_000);
}

describe("a link counts as stuck", () => {
  test("when something waits for its receiver and nothing has moved for the whole time", () => {
    const samples = stalling.map((over) => [link(over)]);
    expect(after(...samples.slice(1))).toEqual([]);
    expect(after(...samples)).toEqual([
      { peer, channel: "bulk", forMs: 15_000, queuedBytes: 1_000 },
    ]);
  });

  test.each([
    ["it moves, however slowly", (at: number) => ({ bytesOut: at })],
    ["it waits for no receiver", () => ({ stalledMs: 7 })],
    ["nothing waits for a moment", (at: number) => ({ queuedBytes: at === 2 ? 0 : 1_000 })],
    ["it is down: membership's business", () => ({ up: false })],
    ["it is that of a newer start", (at: number) => ({ boot: parseBoot(`${at}`.repeat(24)) })],
    ["it is another lane each time", (at: number) => ({ lane: at })],
  ])("not while %s", (_why, over) => {
    const samples = stalling.map((each, at) => [link({ ...each, ...over(at) })]);
    expect(after(...samples)).toEqual([]);
  });
});
