/** rosterContract: what every Roster must do: one list for each epoch, and quorums counted from it. */
import assert from "node:assert/strict";
import type { Roster, RosterState } from "@foundation/core/ports";
import { rejectsWith, until, type ContractTime } from "../time.js";
import { testsWith, type ContractRunner } from "./runner.js";

export interface RosterFixture {
  /** Those of two nodes. */
  readonly rosters: readonly [Roster, Roster];
  readonly time: ContractTime;
  close(): void | Promise<void>;
}

export interface RosterContractSetup {
  create(): RosterFixture | Promise<RosterFixture>;
}

/** Runs the suite against one roster. */
export function rosterContract(runner: ContractRunner, setup: RosterContractSetup): void {
  const test = testsWith(runner, () => setup.create());
  runner.describe("roster", () => {
    test("a quorum is counted from the committed members, not from those one sees", async (fixture) => {
      const { rosters, time } = fixture;
      const [a, b] = rosters;
      await time.wait(Promise.all([a.ready(), b.ready()]));
      assert.deepEqual(a.current(), { epoch: 0, members: [] });
      assert.equal(a.hasQuorum([]), false);
      const committed = await time.wait(a.propose(["c", "a", "b", "a", "d"]));
      assert.deepEqual(committed, { epoch: 1, members: ["a", "b", "c", "d"] });
      assert.deepEqual(await time.wait(b.read()), committed);
      await until(time, "the other copy", () => b.current().epoch === 1);
      assert.equal(b.hasQuorum(["a", "b", "x", "y", "z"]), false);
      assert.equal(b.hasQuorum(["a", "b", "c"]), true);
    });

    test("of two proposals from one epoch, one is committed", async ({ rosters, time }) => {
      const [a, b] = rosters;
      await time.wait(a.propose(["a", "b", "c"]));
      const both = [
        a.propose(["a", "b"], { epoch: 1 }),
        b.propose(["a", "b", "c", "d"], { epoch: 1 }),
      ];
      const settled = await time.wait(Promise.allSettled(both));
      const failed = settled.flatMap((each) =>
        each.status === "rejected" ? [(each.reason as { code?: string }).code] : [],
      );
      assert.deepEqual(failed, ["ERR_ROSTER_EPOCH"]);
      assert.equal((await time.wait(b.read())).epoch, 2);
    });

    test("a change whose majorities might miss those of before is refused unless it is forced", async (fixture) => {
      const { rosters, time } = fixture;
      const [a] = rosters;
      await time.wait(a.propose(["a", "b", "c"]));
      for (const members of [["d", "e", "f"], ["a"], []]) {
        await rejectsWith(time, a.propose(members), "ERR_INVALID_ARGUMENT");
      }
      assert.equal((await time.wait(a.propose(["a", "b"]))).epoch, 2);
      assert.equal((await time.wait(a.propose(["d"], { force: true }))).epoch, 3);
    });

    test("a watch gives later lists, the newest to a slow reader, and ends with its signal", async (fixture) => {
      const { rosters, time } = fixture;
      const [a, b] = rosters;
      await time.wait(a.propose(["a", "b", "c"]));
      await until(time, "the other copy", () => b.current().epoch === 1);
      const stop = new AbortController();
      const lists = b.watch({ signal: stop.signal })[Symbol.asyncIterator]();
      const next = lists.next();
      await time.wait(a.propose(["a", "b"]));
      const second: RosterState = { epoch: 2, members: ["a", "b"] };
      assert.deepEqual((await time.wait(next)).value, second);
      await time.wait(a.propose(["a", "b", "c"]));
      await time.wait(a.propose(["a", "b", "c", "d"]));
      await until(time, "the newest copy", () => b.current().epoch === 4);
      assert.equal(((await time.wait(lists.next())).value as RosterState).epoch, 4);
      const end = lists.next();
      stop.abort();
      assert.equal((await time.wait(end)).done, true);
    });

    test("closed, it takes no more; closing again does nothing", async ({ rosters, time }) => {
      const [a] = rosters;
      await time.wait(a.ready());
      await time.wait(a.close());
      await time.wait(a.close());
      await rejectsWith(time, a.read(), "ERR_CLOSED");
    });
  });
}
