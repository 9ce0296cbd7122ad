import { describe, expect, test } from "@jest/globals";
import { parseVitals } from "../../../src/health/parse-vitals.js";

const sent = {
  uptimeMs: 1,
  heapUsedBytes: 2,
  rssBytes: 3,
  eventLoopLagMs: 4,
  processes: 5,
  mailboxMessages: 6,
  messagesPerSecond: 7,
};

describe("vitals from a peer", () => {
  test("are taken without the fields nobody knows", () => {
    expect(parseVitals({ ...sent, from: "a newer version" })).toEqual(sent);
  });

  test.each([
    undefined,
    null,
    7,
    "text",
    {},
    { ...sent, rssBytes: "3" },
    { ...sent, rssBytes: Number.NaN },
  ])("%j is not vitals", (data) => {
    expect(parseVitals(data)).toBeUndefined();
  });
});
