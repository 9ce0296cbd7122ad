import { describe, expect, test } from "@jest/globals";
import { createNodeId, type NodeId } from "@foundation/core";
import { seededRandom } from "@foundation/core/testing";
import type { RelayOpen } from "../../../../src/protocol/relay/frames.js";
import {
  relayLimits,
  relayLimitsOf,
  type RelayLimits,
} from "../../../../src/protocol/relay/limits.js";
import { RelayTable } from "../../../../src/protocol/relay/relay-table.js";

const idOf = (name: string): NodeId => createNodeId(seededRandom(name));
const [a, b, c, d, self] = ["a", "b", "c", "d", "self"].map(idOf) as [
  NodeId,
  NodeId,
  NodeId,
  NodeId,
  NodeId,
];
const everybody = () => true;
const open = (connection: number, ...route: NodeId[]): RelayOpen => ({
  connection,
  windowBytes: relayLimits.windowBytes,
  route,
});
const tableOf = (limits: Partial<RelayLimits> = {}, passesOn = true) =>
  new RelayTable<string>(self, relayLimitsOf(limits), passesOn);

/** Adds an end as a node does that has accepted one. */
function accepted(table: RelayTable<string>, connection: number, ...route: NodeId[]) {
  const neighbor = route[route.length - 2] as NodeId;
  const origin = route[0] as NodeId;
  const index = route.length - 1;
  const end = { kind: "end", connection, origin, neighbor, index, route, handle: "x" } as const;
  table.addEnd(end);
  return end;
}

describe("an open that comes to a node", () => {
  test("passes on, ends here, or is not for it, by the place the node has in the route", () => {
    const table = tableOf();
    expect(table.open(open(1, a, b, self, c), b, everybody, 0)).toMatchObject({ type: "pass" });
    expect(table.open(open(2, a, b, self), b, everybody, 0)).toEqual({ type: "end", index: 2 });
    for (const route of [
      [self, b],
      [a, b],
      [a, self, c],
    ])
      expect(table.open(open(3, ...route), b, everybody, 0)).toEqual({ type: "malformed" });
    expect([table.hops, table.ends]).toEqual([1, 0]);
  });

  test("is refused where there is no link onwards, without leaving anything", () => {
    const table = tableOf();
    const verdict = table.open(open(1, a, self, c, d), a, (id) => id !== c, 0);
    expect(verdict).toEqual({ type: "refuse", refusal: "no-link", index: 1 });
    expect([table.hops, table.get(1)]).toEqual([0, undefined]);
  });

  test("is nothing new when it comes again, and refused with another way or origin", () => {
    const table = tableOf();
    table.open(open(1, a, b, self, c), b, everybody, 0);
    accepted(table, 2, a, b, self);
    expect(table.open(open(1, a, b, self, c), b, everybody, 0)).toEqual({ type: "repeated" });
    expect(table.open(open(2, a, b, self), b, everybody, 0)).toEqual({ type: "repeated" });
    const taken = { type: "refuse", refusal: "taken" };
    expect(table.open(open(1, d, b, self, c), b, everybody, 0)).toMatchObject(taken);
    expect(table.open(open(1, a, d, self, c), d, everybody, 0)).toMatchObject(taken);
    expect(table.open(open(2, a, d, self), d, everybody, 0)).toMatchObject(taken);
  });

  test("does not revive what has ended, as long as that is remembered", () => {
    const table = tableOf({ endedMax: 2 });
    for (const number of [1, 2]) table.remove(accepted(table, number, a, self));
    expect(table.open(open(1, a, self), a, everybody, 0)).toMatchObject({ refusal: "taken" });
    // The number is the origin's own: another one may have drawn it too.
    expect(table.open(open(1, b, self), b, everybody, 0)).toMatchObject({ type: "end" });
    table.remove(accepted(table, 3, a, self));
    expect(table.open(open(1, a, self), a, everybody, 0)).toMatchObject({ type: "end" });
    expect(table.open(open(2, a, self), a, everybody, 0)).toMatchObject({ refusal: "taken" });
  });

  test("is refused with a window that does not fit this node's limits", () => {
    const table = tableOf();
    const windows = { ...open(1, a, self), windowBytes: relayLimits.windowBytes + 1 };
    expect(table.open(windows, a, everybody, 0)).toMatchObject({ refusal: "limits-differ" });
    const small = { ...open(1, a, self), windowBytes: relayLimits.frameBytesMax };
    expect(table.open(small, a, everybody, 0)).toMatchObject({ refusal: "limits-differ" });
    // Who only passes on keeps a small window as easily.
    const passing = { ...open(1, a, self, b), windowBytes: relayLimits.frameBytesMax };
    expect(table.open(passing, a, everybody, 0)).toMatchObject({ type: "pass" });
  });

  test("is refused by a node that has closed or passes nothing on", () => {
    const client = tableOf({}, false);
    const notAccepting = { refusal: "not-accepting" };
    expect(client.open(open(1, a, self, b), a, everybody, 0)).toMatchObject(notAccepting);
    expect(client.open(open(1, a, self), a, everybody, 0)).toMatchObject({ type: "end" });
    client.isClosed = true;
    expect(client.open(open(1, a, self), a, everybody, 0)).toMatchObject(notAccepting);
  });

  test("is refused when there are too many, and taken again when one has ended", () => {
    const table = tableOf({ relayedMax: 1, connectionsMax: 1 });
    const verdict = table.open(open(1, a, self, b), a, everybody, 0);
    expect(table.open(open(2, a, self, b), a, everybody, 0)).toMatchObject({
      refusal: "relay-full",
    });
    if (verdict.type !== "pass") throw new Error("it was refused");
    expect([table.remove(verdict.hop), table.remove(verdict.hop)]).toEqual([true, false]);
    expect(table.open(open(2, a, self, b), a, everybody, 0)).toMatchObject({ type: "pass" });
    accepted(table, 3, a, self);
    const refusal = "too-many-connections";
    expect(table.open(open(4, a, self), a, everybody, 0)).toMatchObject({ refusal });
  });

  test("is refused when its neighbour opens too many in a second, whatever others do", () => {
    const table = tableOf({ opensPerSecondMax: 2 });
    const verdicts = [1, 2, 3].map((n) => table.open(open(n, a, self, b), a, everybody, 10));
    expect(verdicts.map(({ type }) => type)).toEqual(["pass", "pass", "refuse"]);
    expect(verdicts[2]).toMatchObject({ refusal: "too-many-opens" });
    expect(table.open(open(4, c, self, b), c, everybody, 10)).toMatchObject({ type: "pass" });
    expect(table.open(open(3, a, self, b), a, everybody, 1_010)).toMatchObject({ type: "pass" });
  });
});

test("a link that is down concerns what leads over it, on either side, and nothing else", () => {
  const table = tableOf();
  table.open(open(1, a, self, b), a, everybody, 0);
  table.open(open(2, b, self, c), b, everybody, 0);
  table.open(open(3, a, self, c), a, everybody, 0);
  accepted(table, 4, d, b, self);
  accepted(table, 5, b, a, self);
  expect(table.over(b).map(({ connection }) => connection)).toEqual([1, 2, 4]);
  expect(table.over(d)).toEqual([]);
});
