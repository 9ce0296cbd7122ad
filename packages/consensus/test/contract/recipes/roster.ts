/** The contract of recipes: the roster. */
import { expect } from "@jest/globals";
import type { Test } from "./bench.js";

export function rosterTests(run: Test): void {
  run(
    "a quorum is counted from the committed members, not from those one sees",
    async ({ a, settle }) => {
      await settle(a.roster.ready());
      expect(a.roster.current()).toEqual({ epoch: 0, members: [] });
      expect(a.roster.hasQuorum([])).toBe(false);
      const committed = await settle(a.roster.propose(["c", "a", "b", "a", "d"]));
      expect(committed).toEqual({ epoch: 1, members: ["a", "b", "c", "d"] });
      expect(a.roster.hasQuorum(["a", "b", "x", "y", "z"])).toBe(false);
      expect(a.roster.hasQuorum(["a", "b", "c"])).toBe(true);
    },
  );

  run("of two proposals from one epoch, one is committed", async ({ a, b, settle, code, pass }) => {
    await settle(a.roster.propose(["a", "b", "c"]));
    const both = [
      code(a.roster.propose(["a", "b"], { epoch: 1 })),
      code(b.roster.propose(["a", "b", "c", "d"], { epoch: 1 })),
    ];
    expect((await settle(Promise.all(both))).sort()).toEqual(["ERR_ROSTER_EPOCH", "resolved"]);
    await pass(300);
    expect(a.roster.current()).toEqual(await settle(b.roster.read()));
    expect(b.roster.current().epoch).toBe(2);
  });

  run(
    "a change whose majorities might miss those of before is refused unless it is forced",
    async ({ a, settle, code }) => {
      await settle(a.roster.propose(["a", "b", "c"]));
      expect(await code(a.roster.propose(["d", "e", "f"]))).toBe("ERR_INVALID_ARGUMENT");
      expect(await code(a.roster.propose(["a"]))).toBe("ERR_INVALID_ARGUMENT");
      expect(await code(a.roster.propose([]))).toBe("ERR_INVALID_ARGUMENT");
      expect((await settle(a.roster.propose(["a", "b"]))).epoch).toBe(2);
      expect((await settle(a.roster.propose(["d"], { force: true }))).epoch).toBe(3);
    },
  );
}
