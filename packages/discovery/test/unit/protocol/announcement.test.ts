import { describe, expect, jest, test } from "@jest/globals";
import type { NodeId } from "@foundation/core";
import {
  formatAnnouncement,
  isStanding,
  parseAnnouncement,
  type Announcement,
  type ProcessIdentity,
  type ProcessState,
} from "../../../src/protocol/announcement.js";

const self: ProcessIdentity = { pid: 1, startTime: "100", scope: "boot pid:[1]" };
const announcement: Announcement = {
  version: 1,
  cluster: "shop",
  id: "a".repeat(32) as NodeId,
  address: "ws://127.0.0.1:4100",
  name: "shop-1",
  process: { pid: 7, startTime: "55", scope: self.scope },
};

describe("announcements", () => {
  test("survive being written and read", () => {
    expect(parseAnnouncement(formatAnnouncement(announcement))).toEqual(announcement);
  });

  test.each([
    ["garbage", "{", "not JSON"],
    ["nothing", "", "not JSON"],
    ["null", "null", "no object"],
    ["a later version", JSON.stringify({ ...announcement, version: 2 }), "version"],
    ["no node", JSON.stringify({ ...announcement, id: "A" }), "no node"],
    ["no cluster", JSON.stringify({ ...announcement, cluster: 1 }), "no cluster"],
    ["another protocol", JSON.stringify({ ...announcement, address: "http://a:1" }), "address"],
    ["no process", JSON.stringify({ ...announcement, process: null }), "no process"],
    ["a group as process", JSON.stringify({ ...announcement, process: { pid: -1 } }), "no process"],
    ["a fraction", JSON.stringify({ ...announcement, process: { pid: 1.5 } }), "no process"],
  ])("%s is a problem, not an error", (_, text, reason) => {
    expect(parseAnnouncement(text)).toEqual({ problem: expect.stringContaining(reason) });
  });
});

describe("who is still there", () => {
  const there = (startTime: string | null): ProcessState => ({ type: "there", startTime });
  const old = () => 60_000;
  const young = () => 1_000;

  test("a process with the announced start time stands, however old the file", () => {
    expect(isStanding(announcement.process, self, () => there("55"), old)).toBe(true);
  });

  test("a process that is gone does not, however young the file", () => {
    expect(isStanding(announcement.process, self, () => ({ type: "gone" }), young)).toBe(false);
  });

  test("another process with the same number does not", () => {
    expect(isStanding(announcement.process, self, () => there("56"), young)).toBe(false);
  });

  test("without start times the age of the file decides", () => {
    const unknown = { ...announcement.process, startTime: null };
    expect(isStanding(unknown, self, () => there("55"), young)).toBe(true);
    expect(isStanding(unknown, self, () => there("55"), old)).toBe(false);
  });

  test("a process of another container is never looked at: the age of the file decides", () => {
    const look = jest.fn(() => ({ type: "gone" as const }));
    const foreign = { ...announcement.process, scope: "boot pid:[2]" };
    expect(isStanding(foreign, self, look, young)).toBe(true);
    expect(isStanding(foreign, self, look, old)).toBe(false);
    expect(look).not.toHaveBeenCalled();
  });
});
