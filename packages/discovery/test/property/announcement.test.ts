import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { NodeId } from "@foundation/core";
import {
  formatAnnouncement,
  parseAnnouncement,
  type Announcement,
} from "../../src/protocol/announcement.js";
import { parsePeerAddress } from "../../src/protocol/peer-address.js";

const hex = fc.stringMatching(/^[0-9a-f]{32}$/);
const announcement: fc.Arbitrary<Announcement> = fc.record({
  version: fc.constant(1 as const),
  cluster: fc.string(),
  id: hex.map((id) => id as NodeId),
  address: fc.integer({ min: 1, max: 65_535 }).map((port) => `ws://127.0.0.1:${port}`),
  name: fc.string({ maxLength: 256 }),
  process: fc.record({
    pid: fc.integer({ min: 1 }),
    startTime: fc.option(fc.string()),
    scope: fc.option(fc.string()),
  }),
});

describe("announcements", () => {
  test("every announcement survives being written and read", () => {
    fc.assert(
      fc.property(announcement, (each) => {
        expect(parseAnnouncement(formatAnnouncement(each))).toEqual(each);
      }),
    );
  });

  test("no text makes the reader throw, and what it takes is well formed", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        const entry = parseAnnouncement(text);
        expect("problem" in entry).toBe(true);
      }),
    );
  });

  test("an announcement cut short or with a changed field is a problem or well formed", () => {
    const field = fc.constantFrom("version", "cluster", "id", "address", "name", "process");
    fc.assert(
      fc.property(announcement, field, fc.jsonValue(), fc.nat(), (each, key, value, length) => {
        const text = formatAnnouncement(each);
        expect(parseAnnouncement(text.slice(0, length % (text.length - 2)))).toHaveProperty(
          "problem",
        );
        const changed = parseAnnouncement(JSON.stringify({ ...each, [key]: value }));
        if ("problem" in changed) return;
        expect(parsePeerAddress(changed.address)).toBe(changed.address);
        expect(changed.process.pid).toBeGreaterThan(0);
      }),
    );
  });
});

describe("peer addresses", () => {
  test("whatever is accepted has one spelling, and anything else is the typed error", () => {
    const near = fc
      .tuple(fc.constantFrom("", "ws://", "wss://", "http://"), fc.string(), fc.integer())
      .map(([scheme, host, port]) => `${scheme}${host}:${port}`);
    const hosts = fc.oneof(
      fc.domain(),
      fc.ipV4(),
      fc.ipV6().map((ip) => `[${ip}]`),
    );
    const likely = fc.tuple(hosts, fc.nat(70_000)).map(([host, port]) => `${host}:${port}`);
    fc.assert(
      fc.property(fc.oneof(fc.string(), near, likely), (text) => {
        try {
          const address = parsePeerAddress(text);
          expect(address).toMatch(/^wss?:\/\/[^/?#@\s]+:\d+$/);
          expect(parsePeerAddress(address)).toBe(address);
        } catch (error) {
          expect(error).toMatchObject({ code: "ERR_PEER_ADDRESS" });
        }
      }),
      { numRuns: 500 },
    );
  });
});
