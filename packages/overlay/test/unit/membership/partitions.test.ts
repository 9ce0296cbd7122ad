import { describe, expect, test } from "@jest/globals";
import type { Member, MembershipEvent } from "@foundation/core";
import { virtualClock } from "@foundation/core/testing";
import { PARTITION, Partitions, type PartitionEvent } from "../../../src/membership/partitions.js";
import { bootOf, entryOf, idOf } from "../../support/membership-entries.js";

const memberOf = (number: number, boot = 1): Member => {
  const { name, address, roles, labels } = entryOf(number);
  return { id: idOf(number), boot: bootOf(boot), name, address, roles, labels, status: "alive" };
};

/** A cluster of `size` as one of its nodes sees it. */
function watching(size: number) {
  const clock = virtualClock();
  const told: string[] = [];
  const state = { members: size };
  const tell = ({ type, nodes }: PartitionEvent) =>
    told.push(`${type} ${nodes.map(({ id }) => Number.parseInt(id, 16)).join()}`);
  const partitions = new Partitions(clock, () => state.members, tell);
  const feed = (event: MembershipEvent) => {
    if (event.type === "node-down" || event.type === "node-left") state.members -= 1;
    if (event.type === "node-up") state.members += 1;
    partitions.onEvent(event);
  };
  const down = (number: number, reason = "it did not answer") =>
    feed({ type: "node-down", node: memberOf(number), reason });
  const up = (number: number, boot = 1) => feed({ type: "node-up", node: memberOf(number, boot) });
  return { clock, told, feed, down, up };
}

describe("partitions", () => {
  test("are not the death of a single node, nor of a few among many", async () => {
    const { clock, told, down } = watching(20);
    for (const number of [2, 3, 4, 5]) down(number);
    await clock.advance(60_000);
    expect(told).toEqual([]);
  });

  test("are told once a quarter of the members is gone within the window", () => {
    const { told, down } = watching(10);
    down(2);
    down(3);
    expect(told).toEqual([]);
    down(4);
    expect(told).toEqual(["partition 2,3,4"]);
  });

  test("are not deaths that have nothing to do with each other", async () => {
    const { clock, told, down } = watching(8);
    for (const number of [2, 3, 4, 5]) {
      down(number);
      await clock.advance(PARTITION.windowMs);
    }
    expect(told).toEqual([]);
  });

  test("are not restarts", () => {
    const { told, down } = watching(4);
    for (const number of [2, 3, 4]) down(number, "restarted");
    expect(told).toEqual([]);
  });

  test("heal when all the same starts are back, those found late too", () => {
    const { told, down, up } = watching(6);
    for (const number of [2, 3, 4]) down(number);
    for (const number of [2, 3]) up(number);
    expect(told).toEqual(["partition 2,3"]);
    up(4);
    expect(told).toEqual(["partition 2,3", "healed 2,3,4"]);
  });

  test("heal after the window for those that are back, and say nothing of the dead", async () => {
    const { clock, told, down, up } = watching(6);
    for (const number of [2, 3, 4]) down(number);
    up(2);
    up(3, 2);
    await clock.advance(PARTITION.windowMs);
    expect(told).toEqual(["partition 2,3", "healed 2"]);
    for (const number of [2, 5]) down(number);
    expect(told[2]).toBe("partition 2,5");
  });

  test("do not heal when everybody was started anew", async () => {
    const { clock, told, down, up } = watching(4);
    for (const number of [2, 3]) down(number);
    for (const number of [2, 3]) up(number, 2);
    await clock.advance(60_000);
    expect(told).toEqual(["partition 2,3"]);
  });
});
